// Command backend is the back end of an application whose people have their
// passwords with it. It signs them in, and vouches for them at an identity pool:
//
//	POST /login {"user":"ann","password":"…"}  →  {"identityId":"…","token":"…"}
//
// The application takes both to GetCredentialsForIdentity itself, the token under
// the name cognito-identity.amazonaws.com. Of credentials this program has its
// own only, which may do nothing but vouch.
package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
)

// people are those whom this example knows. A real back end has them in a
// database, with hashes that take long to make (argon2id).
var people = map[string][sha256.Size]byte{
	"ann": sha256.Sum256([]byte("correct horse")),
	"bob": sha256.Sum256([]byte("battery staple")),
}

// backend vouches for people at one pool.
type backend struct {
	cognito        *cognitoidentity.Client
	pool, provider string // the pool, and its DeveloperProviderName
}

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background()) // endpoint, region and key: the AWS environment
	if err != nil {
		log.Fatal(err)
	}
	b := backend{cognitoidentity.NewFromConfig(cfg), os.Getenv("POOL"), os.Getenv("PROVIDER")}
	l, err := net.Listen("tcp", cmp.Or(os.Getenv("LISTEN"), "127.0.0.1:8080"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("ready on http://%s\n", l.Addr())
	http.HandleFunc("POST /login", b.login)
	log.Fatal((&http.Server{ReadTimeout: 5 * time.Second}).Serve(l))
}

func (b backend) login(w http.ResponseWriter, r *http.Request) {
	var in struct{ User, Password string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&in); err != nil {
		http.Error(w, "send user and password", http.StatusBadRequest)
		return
	}
	known, given := people[in.User], sha256.Sum256([]byte(in.Password))
	if subtle.ConstantTimeCompare(known[:], given[:]) == 0 {
		http.Error(w, "wrong user or password", http.StatusUnauthorized)
		return
	}
	out, err := b.cognito.GetOpenIdTokenForDeveloperIdentity(r.Context(), &cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput{
		IdentityPoolId: &b.pool,
		Logins:         map[string]string{b.provider: in.User}, // the same name always, and nobody else's ever
		TokenDuration:  aws.Int64(300),
	})
	if err != nil {
		log.Print(err)
		http.Error(w, "the identity pool cannot be asked", http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]string{"identityId": *out.IdentityId, "token": *out.Token})
}
