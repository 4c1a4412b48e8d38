package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"
)

func poolsCommand() *cobra.Command {
	return group("pools", "Look at identity pools, here or at AWS.", new(poolsListCommand).command(), new(poolsShowCommand).command())
}

// client are the flags of every command that speaks to a server. Such a
// command works against AWS too.
type client struct {
	EndpointURL string
	Region      string
	Output      string
}

func (c *client) flags() []flag {
	return []flag{
		{name: "endpoint-url", to: text(&c.EndpointURL), kind: "URL", help: "The server to ask; otherwise what AWS_ENDPOINT_URL says."},
		{name: "region", to: text(&c.Region), kind: "NAME", help: "Region to ask for; otherwise what the AWS environment says."},
		outputFlag(&c.Output),
	}
}

func (c *client) connect(ctx context.Context) (*cognitoidentity.Client, error) {
	var opts []func(*config.LoadOptions) error
	if c.EndpointURL != "" {
		opts = append(opts, config.WithBaseEndpoint(c.EndpointURL))
	}
	if c.Region != "" {
		opts = append(opts, config.WithRegion(c.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return nil, fmt.Errorf("read the AWS environment: %w", err)
	}
	if cfg.Region == "" {
		return nil, usageError{errors.New("no region: give --region or set AWS_REGION")}
	}
	return cognitoidentity.NewFromConfig(cfg), nil
}

// plain says what a server refused in its own words, and leaves out the SDK's.
func plain(err error) error {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return fmt.Errorf("%s: %s", e.ErrorCode(), e.ErrorMessage())
	}
	return err
}

type poolsListCommand struct {
	client
}

func (c *poolsListCommand) command() *cobra.Command {
	cmd := &cobra.Command{
		Use: "list [flags]", Short: "List all identity pools of the account in the region.",
		Args: noArguments, RunE: runs(c.run),
	}
	define(cmd, c.client.flags()...)
	return cmd
}

type poolLine struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// run prints the pools, however many pages they take.
func (c *poolsListCommand) run(ctx context.Context, s streams) error {
	api, err := c.connect(ctx)
	if err != nil {
		return err
	}
	lines := []poolLine{}
	pages := cognitoidentity.NewListIdentityPoolsPaginator(api, &cognitoidentity.ListIdentityPoolsInput{MaxResults: aws.Int32(60)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list identity pools: %w", plain(err))
		}
		for _, p := range page.IdentityPools {
			lines = append(lines, poolLine{ID: aws.ToString(p.IdentityPoolId), Name: aws.ToString(p.IdentityPoolName)})
		}
	}
	if c.Output == "json" {
		return printJSON(s.out, lines)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%s\n", l.ID, l.Name)
	}
	return w.Flush()
}

type poolsShowCommand struct {
	client
	ID string
}

func (c *poolsShowCommand) command() *cobra.Command {
	cmd := &cobra.Command{
		Use: "show <id> [flags]", Short: "Show one identity pool and its roles.",
		Long: "<id> is the ID of the pool, REGION:UUID.",
		Args: argument(&c.ID, "id"), RunE: runs(c.run),
	}
	define(cmd, c.client.flags()...)
	return cmd
}

// poolDetail is a pool with its roles. Members without a value are left out.
type poolDetail struct {
	ID                  string            `json:"id"`
	Name                string            `json:"name"`
	Guests              bool              `json:"guests"`
	ClassicFlow         *bool             `json:"classic_flow,omitempty"`
	DeveloperProvider   string            `json:"developer_provider,omitempty"`
	LoginProviders      map[string]string `json:"login_providers,omitempty"`
	OIDCProviders       []string          `json:"oidc_providers,omitempty"`
	SAMLProviders       []string          `json:"saml_providers,omitempty"`
	UserPools           []string          `json:"user_pools,omitempty"`
	AuthenticatedRole   string            `json:"authenticated_role,omitempty"`
	UnauthenticatedRole string            `json:"unauthenticated_role,omitempty"`
	RoleMappings        []roleMapping     `json:"role_mappings,omitempty"`
	Tags                map[string]string `json:"tags,omitempty"`
}

// roleMapping is how the claims of one provider's people choose a role.
type roleMapping struct {
	Provider  string        `json:"provider"`
	Type      string        `json:"type"`
	Ambiguous string        `json:"ambiguous_role_resolution,omitempty"`
	Rules     []mappingRule `json:"rules,omitempty"`
}

type mappingRule struct {
	Claim string `json:"claim"`
	Match string `json:"match_type"`
	Value string `json:"value"`
	Role  string `json:"role"`
}

// run prints the pool.
func (c *poolsShowCommand) run(ctx context.Context, s streams) error {
	api, err := c.connect(ctx)
	if err != nil {
		return err
	}
	pool, err := api.DescribeIdentityPool(ctx, &cognitoidentity.DescribeIdentityPoolInput{IdentityPoolId: &c.ID})
	if err != nil {
		err := fmt.Errorf("show identity pool: %w", plain(err))
		return hinted{err, `list pools with "idpool pools list"`}
	}
	roles, err := api.GetIdentityPoolRoles(ctx, &cognitoidentity.GetIdentityPoolRolesInput{IdentityPoolId: &c.ID})
	if err != nil {
		return fmt.Errorf("show roles of identity pool: %w", plain(err))
	}
	d := poolDetail{
		ID: aws.ToString(pool.IdentityPoolId), Name: aws.ToString(pool.IdentityPoolName),
		Guests: pool.AllowUnauthenticatedIdentities, ClassicFlow: pool.AllowClassicFlow,
		DeveloperProvider: aws.ToString(pool.DeveloperProviderName), LoginProviders: pool.SupportedLoginProviders,
		OIDCProviders: pool.OpenIdConnectProviderARNs, SAMLProviders: pool.SamlProviderARNs,
		AuthenticatedRole: roles.Roles["authenticated"], UnauthenticatedRole: roles.Roles["unauthenticated"],
		Tags: pool.IdentityPoolTags,
	}
	for _, u := range pool.CognitoIdentityProviders {
		d.UserPools = append(d.UserPools, aws.ToString(u.ProviderName)+":"+aws.ToString(u.ClientId))
	}
	for _, provider := range slices.Sorted(maps.Keys(roles.RoleMappings)) {
		m := roles.RoleMappings[provider]
		mapping := roleMapping{Provider: provider, Type: string(m.Type), Ambiguous: string(m.AmbiguousRoleResolution)}
		if m.RulesConfiguration != nil {
			for _, r := range m.RulesConfiguration.Rules {
				mapping.Rules = append(mapping.Rules, mappingRule{
					Claim: aws.ToString(r.Claim), Match: string(r.MatchType), Value: aws.ToString(r.Value), Role: aws.ToString(r.RoleARN)})
			}
		}
		d.RoleMappings = append(d.RoleMappings, mapping)
	}
	if c.Output == "json" {
		return printJSON(s.out, d)
	}
	return d.table(s.out)
}

// table prints one setting on a line.
func (d poolDetail) table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name string, value any) {
		if text := fmt.Sprint(value); text != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, text)
		}
	}
	line("ID", d.ID)
	line("Name", d.Name)
	line("Guests", d.Guests)
	if d.ClassicFlow != nil {
		line("Classic flow", *d.ClassicFlow)
	} else {
		line("Classic flow", "true (never set)")
	}
	line("Developer provider", d.DeveloperProvider)
	for _, name := range sortedKeys(d.LoginProviders) {
		line("Login provider", name+" = "+d.LoginProviders[name])
	}
	for _, arn := range d.OIDCProviders {
		line("OIDC provider", arn)
	}
	for _, arn := range d.SAMLProviders {
		line("SAML provider", arn)
	}
	for _, name := range d.UserPools {
		line("User pool", name)
	}
	line("Authenticated role", d.AuthenticatedRole)
	line("Unauthenticated role", d.UnauthenticatedRole)
	for _, m := range d.RoleMappings {
		line("Role mapping", strings.TrimSuffix(m.Provider+": "+m.Type+", else "+m.Ambiguous, ", else "))
		for _, r := range m.Rules {
			line("  rule", fmt.Sprintf("%s %s %q: %s", r.Claim, r.Match, r.Value, r.Role))
		}
	}
	for _, key := range sortedKeys(d.Tags) {
		line("Tag", key+" = "+d.Tags[key])
	}
	return w.Flush()
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
