package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"

	"idpool/internal/login/oidc"
	"idpool/internal/login/social"
)

// providerConfig says where a provider really lives, and what it is asked with.
type providerConfig struct {
	// Of providers with ID tokens.
	Issuer     string   `yaml:"issuer"`
	JWKSURI    string   `yaml:"jwks_uri"`
	Algorithms []string `yaml:"algorithms"`
	// Of user pools with ServerSideTokenCheck: their API, and the key that
	// signs the questions, in the form that AWS tools read (profile default).
	UserInfoEndpoint        string `yaml:"user_info_endpoint"`
	UserInfoCredentialsFile string `yaml:"user_info_credentials_file"`
	// Of providers that are asked about access tokens: the base address of
	// their API, and for Facebook the secret of the application, or a line
	// APPLICATION|SECRET for each.
	Endpoint      string `yaml:"endpoint"`
	AppSecretFile string `yaml:"app_secret_file"`
}

// overrides are what a provider's section says to the two kinds of provider. The
// error names every key that is wrong, and no secret.
func (p providerConfig) overrides(name string) (oidc.Override, social.Override, error) {
	var errs []error
	say := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("providers.%s.%s: %w", name, key, fmt.Errorf(format, args...)))
	}
	addresses := map[string]string{"issuer": p.Issuer, "jwks_uri": p.JWKSURI, "user_info_endpoint": p.UserInfoEndpoint, "endpoint": p.Endpoint}
	for _, key := range slices.Sorted(maps.Keys(addresses)) {
		address := addresses[key]
		if at, err := url.Parse(address); address != "" && (err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http") {
			say(key, "%q is not an address", address)
		}
	}
	for i, alg := range p.Algorithms {
		if !oidc.KnowsAlgorithm(alg) {
			say(fmt.Sprintf("algorithms[%d]", i), "%q is not RS256, RS384, RS512, ES256, ES384 or ES512", alg)
		}
	}
	userPool := oidc.UserPool{Endpoint: p.UserInfoEndpoint}
	if isPool := strings.HasPrefix(name, "cognito-idp."); !isPool && (p.UserInfoEndpoint != "" || p.UserInfoCredentialsFile != "") {
		say("user_info_endpoint", "only a user pool is asked about its users")
	}
	if p.UserInfoCredentialsFile != "" {
		shared, err := config.LoadSharedConfigProfile(context.Background(), "default", func(o *config.LoadSharedConfigOptions) {
			o.ConfigFiles, o.CredentialsFiles = []string{}, []string{p.UserInfoCredentialsFile}
		})
		userPool.AccessKey = shared.Credentials
		if err != nil || !shared.Credentials.HasKeys() {
			say("user_info_credentials_file", "no access key in profile default of %s", p.UserInfoCredentialsFile)
		}
	}
	asked := social.Override{Endpoint: p.Endpoint}
	if p.Endpoint != "" && !social.Known(name) {
		say("endpoint", "this provider is not asked about access tokens")
	}
	if p.AppSecretFile != "" {
		var err error
		if asked.AppSecrets, err = readSecrets(p.AppSecretFile); err != nil {
			say("app_secret_file", "%w", err)
		} else if name != "graph.facebook.com" {
			say("app_secret_file", "only Facebook is asked with the secret of an application")
		}
	}
	return oidc.Override{Issuer: p.Issuer, JWKSURI: p.JWKSURI, UserPool: userPool, Algorithms: p.Algorithms}, asked, errors.Join(errs...)
}

// maxSecret bounds a secret, in bytes.
const maxSecret = 1 << 10

// readSecrets reads secrets by application: one on a line, after the
// application and a bar; a secret alone is for all others.
func readSecrets(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	secrets := map[string]string{}
	for line := range strings.Lines(string(text)) {
		app, secret, named := strings.Cut(strings.TrimSpace(line), "|")
		if !named {
			app, secret = "", app
		}
		if _, twice := secrets[app]; twice || len(secret) > maxSecret || secret == "" || strings.ContainsAny(secret, " \t") {
			return nil, fmt.Errorf("%s is not one secret, or one after APPLICATION| on each line, of at most %d bytes", path, maxSecret)
		}
		secrets[app] = secret
	}
	if len(secrets) == 0 {
		return nil, fmt.Errorf("%s is empty", path)
	}
	return secrets, nil
}
