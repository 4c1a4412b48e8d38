// Command cephclient works on an S3 store with what people get from a pool, by the
// ordinary means of the Go SDK. It is run by e2e/ceph_test.go, which has the store,
// and passes what is read below in the environment. It is no test of this module,
// because it can do nothing without that.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

const region = "us-east-1"

var (
	endpoint = os.Getenv("ENDPOINT") // of idpool
	store    = os.Getenv("STORE")    // of the S3 store and its STS
	shop     = os.Getenv("POOL")     // the pool of alice and of guests
	staff    = os.Getenv("STAFF")    // the pool of bob and carol

	identities = ci.New(ci.Options{BaseEndpoint: &endpoint, Region: region})
	roles      = sts.New(sts.Options{BaseEndpoint: &store, Region: region})
)

// person is somebody who signs in at a pool.
type person struct {
	pool   string
	logins map[string]string
}

// somebody has the token that the environment names.
func somebody(pool, name string) person {
	return person{pool, map[string]string{os.Getenv("PROVIDER"): os.Getenv(name)}}
}

// The outcomes of a put and a get.
const (
	ok      = ""
	refused = "AccessDenied"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	alice, bob, carol, guest := somebody(shop, "ALICE"), somebody(staff, "BOB"), somebody(staff, "CAROL"), person{pool: shop}
	code := 0
	for _, c := range []struct {
		name     string
		key      aws.CredentialsProvider
		put, get string
	}{
		{"alice, enhanced flow", enhanced(alice), ok, ok},
		{"alice, classic flow", classic(alice, "customer"), ok, ok},
		{"alice, when her session is over", over(alice, "customer"), refused, refused},
		{"bob, who may read", enhanced(bob), refused, ok},
		{"carol, who is of another department", enhanced(carol), refused, refused},
		{"guest, enhanced flow", enhanced(guest), refused, ok},
		{"guest, classic flow", classic(guest, "visitor"), refused, ok},
		{"guest who wants more", classic(guest, "customer"), refused, refused},
	} {
		put, get := work(ctx, c.key, c.name)
		fmt.Printf("%s: put %q, get %q\n", c.name, put, get)
		if put != c.put || get != c.get {
			fmt.Printf("\twant put %q, get %q\n", c.put, c.get)
			code = 1
		}
	}
	os.Exit(code)
}

// work puts an object and gets it, or hello.txt where it could not put. It
// returns the codes of the errors.
func work(ctx context.Context, key aws.CredentialsProvider, name string) (put, get string) {
	// The SDK closes the body of a refused put, which can cost the connection: it
	// tries again by itself.
	client := s3.New(s3.Options{BaseEndpoint: &store, UsePathStyle: true, Region: region, Credentials: aws.NewCredentialsCache(key)})
	at, want := "go/"+name, []byte(time.Now().String())
	_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("shop"), Key: &at, Body: bytes.NewReader(want)})
	if put = said(err); put != ok {
		at, want = "hello.txt", []byte("hello\n")
	}
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("shop"), Key: &at})
	if err != nil {
		return put, said(err)
	}
	defer out.Body.Close()
	if got, err := io.ReadAll(out.Body); err != nil || !bytes.Equal(got, want) {
		return put, fmt.Sprintf("other bytes: %q (%v)", got, err)
	}
	return put, ok
}

// said is the code of an error, or its text if it is none of a service.
func said(err error) string {
	if apiErr, is := errors.AsType[smithy.APIError](err); is {
		return apiErr.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ok
}

func (p person) identity(ctx context.Context) (*string, error) {
	out, err := identities.GetId(ctx, &ci.GetIdInput{IdentityPoolId: &p.pool, Logins: p.logins})
	if err != nil {
		return nil, err
	}
	return out.IdentityId, nil
}

// enhanced has the pool choose the role and get the credentials. The Go SDK has no
// provider for that.
func enhanced(p person) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		id, err := p.identity(ctx)
		if err != nil {
			return aws.Credentials{}, err
		}
		out, err := identities.GetCredentialsForIdentity(ctx, &ci.GetCredentialsForIdentityInput{IdentityId: id, Logins: p.logins})
		if err != nil {
			return aws.Credentials{}, err
		}
		c := out.Credentials
		return aws.Credentials{AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretKey, SessionToken: *c.SessionToken, CanExpire: true, Expires: *c.Expiration}, nil
	})
}

// classic takes the pool's OpenID token to the STS of the store, for a role of
// its own choice.
func classic(p person, role string) *stscreds.WebIdentityRoleProvider {
	return stscreds.NewWebIdentityRoleProvider(roles, "arn:aws:iam:::role/"+role, openID{p})
}

// over gives credentials of the shortest session, when it has ended. It was good
// before.
func over(p person, role string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		brief := stscreds.NewWebIdentityRoleProvider(roles, "arn:aws:iam:::role/"+role, openID{p}, func(o *stscreds.WebIdentityRoleOptions) { o.Duration = 2 * time.Second })
		c, err := brief.Retrieve(ctx)
		if err != nil {
			return c, err
		}
		key := credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
		if put, get := work(ctx, key, "alice, briefly"); put != ok || get != ok {
			return c, fmt.Errorf("a session of 2 s: put %q, get %q", put, get)
		}
		time.Sleep(time.Until(c.Expires) + time.Second)
		return key.Retrieve(ctx)
	})
}

// openID is a person whose OpenID token is wanted.
type openID struct{ person }

// GetIdentityToken makes it an [stscreds.IdentityTokenRetriever].
func (p openID) GetIdentityToken() ([]byte, error) {
	ctx := context.Background()
	id, err := p.identity(ctx)
	if err != nil {
		return nil, err
	}
	out, err := identities.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: id, Logins: p.logins})
	if err != nil {
		return nil, err
	}
	return []byte(*out.Token), nil
}
