// Package node puts a whole server together. It is the only place that knows
// which services and which kinds of provider there are; which store it works
// on is the caller's choice.
package node

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"idpool/internal/api/cognito"
	"idpool/internal/api/iam"
	"idpool/internal/api/sts"
	"idpool/internal/credential"
	"idpool/internal/devissuer"
	"idpool/internal/fetch"
	"idpool/internal/idpool"
	"idpool/internal/limit"
	"idpool/internal/login"
	"idpool/internal/login/oidc"
	samllogin "idpool/internal/login/saml"
	"idpool/internal/login/social"
	"idpool/internal/metrics"
	"idpool/internal/policy"
	"idpool/internal/saml"
	"idpool/internal/seal"
	"idpool/internal/server"
	"idpool/internal/token"
	"idpool/internal/trace"
	"idpool/internal/upstream"
	"idpool/internal/wire"
)

// Config is what a node is made of. RootKey may be nil.
type Config struct {
	Store   idpool.Store
	Shared  bool // other nodes work on the store too
	Keyring *seal.Keyring
	Issuer  string // the iss of our tokens
	Region  string // the first part of our key IDs
	Account string // of the root key
	Dev     bool   // development mode
	// RolesByName takes roles that do not exist by their name, as development
	// mode does, and nothing else of it.
	RolesByName bool
	RootKey     *credential.RootKey
	OIDC        oidc.Config // Now, Dev and OwnIssuer are filled in
	// Social says where the providers live that are asked about access tokens,
	// by provider name. What OIDC says of networks holds for them, too.
	Social map[string]social.Override
	Limits limit.Config
	// SAML says for whom assertions may be. Now is filled in, and the address of
	// this server is a recipient: the issuer and /saml.
	SAML saml.Config
	// GuestPolicies limit guests in the enhanced flow. nil: those of the hosted
	// service (behaviour 6.5). Empty: none.
	GuestPolicies []policy.Policy
	Upstreams     *upstream.Set // STSs whose roles pools hand out; nil: none
	GuestMaxAge   time.Duration // after which guests nobody uses are deleted; 0: never
	Log           *slog.Logger
	Now           func() time.Time
	Build         metrics.Build // which program this is
	Traces        *trace.Tracer // takes spans; nil: nobody wants them
	StopDelay     time.Duration // as in server.Config
	// TrustedProxies is as in server.Config.
	TrustedProxies []netip.Prefix
}

// sharedAge is how old a pool's configuration may be where nodes share a store.
const sharedAge = time.Second

// Node is a server with what it does in the background.
type Node struct {
	*server.Server
	Broker *credential.Broker
	Keys   *token.Keys
	Dev    *devissuer.Issuer // nil outside of development mode

	store     idpool.Store
	directory *idpool.Directory
	logins    login.Verifiers
	purger    *server.Purger
	traces    *trace.Tracer
	haveKeys  bool
	log       *slog.Logger
}

// New makes a node. It reads the signing keys of the store, and fails if the
// keyring cannot open them.
func New(ctx context.Context, c Config) (*Node, error) {
	m := metrics.New(c.Build)
	seen := &observer{metrics: m, traced: c.Traces != nil, now: c.Now}
	c.Store = store{c.Store, seen}
	n := &Node{store: c.Store, log: c.Log, traces: c.Traces, purger: server.NewPurger(c.Store, c.Log)}
	n.purger.GuestMaxAge, n.purger.Now = c.GuestMaxAge, c.Now
	n.Keys = &token.Keys{Store: c.Store, Box: c.Keyring.Box("signing keys"), Region: c.Region, Now: c.Now}
	var err error
	if n.haveKeys, err = n.Keys.Open(ctx); err != nil {
		return nil, err
	}
	if c.Dev {
		if n.Dev, err = devissuer.New(c.Issuer+"/dev", c.Now); err != nil {
			return nil, err
		}
	}
	if c.GuestPolicies == nil {
		if c.GuestPolicies, err = hostedGuestPolicies(); err != nil {
			return nil, err
		}
	}
	var guestPolicy string
	if c.Upstreams != nil {
		if guestPolicy, err = union(c.GuestPolicies); err != nil {
			return nil, fmt.Errorf("policies of guests, for the upstream STS: %w", err)
		}
	}
	issuer := &token.Issuer{URL: c.Issuer, Keys: n.Keys, Now: c.Now}
	n.Broker = credential.NewBroker(credential.Config{
		Store: c.Store, Keyring: c.Keyring, Account: c.Account, Now: c.Now, RootKey: c.RootKey,
		AnyCaller: c.Dev, RolesByName: c.Dev || c.RolesByName, GuestPolicies: c.GuestPolicies,
	})
	c.OIDC.Now, c.OIDC.Dev, c.OIDC.OwnIssuer, c.OIDC.KeysFetched = c.Now, c.Dev, c.Issuer, m.KeySet
	c.Upstreams.Observe(seen.upstream)
	directory, limits := idpool.NewDirectory(c.Store), limit.New(c.Limits, c.Now)
	if c.Shared {
		directory.MaxAge, directory.Now = sharedAge, c.Now
	}
	idTokens := oidc.New(c.OIDC)
	network := fetch.Policy{AllowHTTP: c.OIDC.AllowHTTP, AllowCIDRs: c.OIDC.AllowCIDRs, Anywhere: c.Dev, RootCAs: c.OIDC.RootCAs}
	c.SAML.Now, c.SAML.Recipients = c.Now, append([]string{c.Issuer + "/saml"}, c.SAML.Recipients...)
	responses := saml.New(c.SAML)
	logins := login.Verifiers{ // the kinds of provider
		verifier{social.New(social.Config{Now: c.Now, Policy: network, Overrides: c.Social, IDTokens: idTokens}), seen, "social"},
		verifier{samllogin.Verifier{Store: c.Store, Responses: responses}, seen, "saml"},
		verifier{idTokens, seen, "oidc"},
	}
	n.directory, n.logins = directory, logins
	services := []*wire.Service{
		(&cognito.Service{
			Store: c.Store, Directory: directory, Issuer: issuer, Broker: n.Broker,
			Logins: logins, Upstreams: c.Upstreams, UpstreamGuestPolicy: guestPolicy,
			Paging: c.Keyring.Box("paging tokens"), Now: c.Now,
			AnySAMLProvider: c.Dev, PoolDeleted: n.purger.Wake, Limits: limits, GuestMaxAge: c.GuestMaxAge,
		}).Wire(),
		(&sts.Service{Store: c.Store, Directory: directory, Issuer: issuer, Logins: logins, Responses: responses, Broker: n.Broker, Limits: limits, Now: c.Now}).Wire(),
		(&iam.Service{
			Store: c.Store, Directory: directory, Broker: n.Broker, Paging: c.Keyring.Box("paging tokens"), Limits: limits, Now: c.Now, PlainHTTP: c.Dev,
		}).Wire(),
	}
	var operations []string
	for _, s := range services {
		seen.authentication(s)
		for _, op := range s.Ops {
			operations = append(operations, op.Name)
		}
	}
	if err := c.Limits.Check(operations); err != nil {
		return nil, fmt.Errorf("limits.operations: %w", err)
	}
	m.Cache("tokens", idTokens.TokenLookups)
	m.Cache("pools", directory.Lookups)
	m.Cache("principals", n.Broker.PrincipalLookups)
	m.Cache("access_keys", n.Broker.KeyLookups)
	m.Limit("address", limits.Refused.Addresses.Load)
	m.Limit("account", limits.Refused.Accounts.Load)
	m.Limit("guests", limits.Refused.Guests.Load)
	m.Sessions(n.Broker.Minted.Load)
	if c.Traces != nil {
		m.Spans(c.Traces.Sent.Load, c.Traces.Lost.Load)
	}
	n.Server = server.New(server.Config{
		Services: services,
		Issuer:   issuer, Dev: n.Dev, Store: c.Store, Metrics: m, Traces: c.Traces, Log: c.Log, Now: c.Now, StopDelay: c.StopDelay, TrustedProxies: c.TrustedProxies,
	})
	return n, nil
}

// Background does what goes on beside the requests, until ctx ends: it makes
// the first signing key, fetches the keys of issuers, removes the rows of deleted
// pools, and sends spans.
func (n *Node) Background(ctx context.Context) {
	if n.traces != nil {
		sent := make(chan struct{})
		go func() { n.traces.Run(ctx); close(sent) }()
		defer func() { <-sent }()
	}
	if !n.haveKeys { // making a key takes long enough not to wait for it at start
		if err := n.Keys.Load(ctx); err != nil && ctx.Err() == nil {
			n.log.Error("make the first signing key", "cause", fmt.Errorf("%w; it is tried again when it is needed", err))
		}
	}
	n.prefetch(ctx)
	n.purger.Run(ctx)
}

// prefetched is for how many pools the keys of issuers are fetched at start.
const prefetched = 200

// prefetch lets the kinds of provider get ready for the first who signs in. What
// fails is fetched when it is needed.
func (n *Node) prefetch(ctx context.Context) {
	var pools []idpool.PoolID
	err := n.store.View(ctx, func(r idpool.Reader) (err error) {
		pools, err = r.SomePools(ctx, prefetched)
		return err
	})
	for _, id := range pools {
		if pool, err := n.directory.Pool(ctx, id); err == nil {
			n.logins.Prefetch(pool)
		}
	}
	if err != nil && ctx.Err() == nil {
		n.log.Warn("fetch the keys of issuers", "cause", err)
	}
}

// hostedGuestPolicies are the two session policies that the hosted service puts
// on guests.
func hostedGuestPolicies() (list []policy.Policy, err error) {
	const managed = "arn:aws:iam::aws:policy/AmazonCognitoUnAuthedIdentitiesSessionPolicy"
	beside, _ := policy.AWSManaged(managed)
	for _, p := range []struct{ name, text string }{{"scope of guests", policy.GuestScope}, {managed, beside}} {
		document, err := policy.Parse(p.text, policy.Identity)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		list = append(list, policy.Policy{Name: p.name, Document: document})
	}
	return list, nil
}

// union is the one policy that an STS of somebody else is given for guests.
func union(policies []policy.Policy) (string, error) {
	var documents []*policy.Document
	for _, p := range policies {
		documents = append(documents, p.Document)
	}
	return policy.Union(documents...)
}
