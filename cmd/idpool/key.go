package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"idpool/internal/control"
	"idpool/internal/token"
)

// keyCommand are the tools for our own keys.
func keyCommand() *cobra.Command {
	return group("key", "Keys of this server: those that sign, and the master key.",
		new(keyListCommand).command(),
		new(keyRotateCommand).command(),
		new(keyRetireCommand).command(),
		new(keyRewrapCommand).command(),
	)
}

type keyListCommand struct {
	Output string
	storeFlags
}

func (c *keyListCommand) command() *cobra.Command {
	cmd := &cobra.Command{
		Use: "list [flags]", Short: "List the keys that sign OpenID tokens.",
		Args: noArguments, RunE: runs(c.run),
	}
	define(cmd, outputFlag(&c.Output))
	define(cmd, c.storeFlags.flags()...)
	return cmd
}

// run prints the keys in the order in which they sign.
func (c *keyListCommand) run(ctx context.Context, s streams) error {
	var keys []token.Info
	err := c.do(ctx, func(a control.Admin) (err error) {
		keys, err = a.SigningKeys(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("list keys: %w", err)
	}
	if c.Output == "json" {
		if keys == nil {
			keys = []token.Info{}
		}
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		return e.Encode(keys)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "KEY\tSTATE\tSIGNS FROM\tPUBLISHED UNTIL")
	for _, k := range keys {
		until := k.Until
		if !k.Retired.IsZero() {
			until = k.Retired
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", k.ID, k.State, moment(k.UseFrom), moment(until))
	}
	return w.Flush()
}

// moment is a time for people.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

type keyRotateCommand struct {
	Now bool
	storeFlags
}

func (c *keyRotateCommand) command() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rotate [flags]", Short: "Make the next key: published now, it signs a day later.",
		Args: noArguments, RunE: runs(c.run),
	}
	define(cmd, flag{name: "now", to: boolean(&c.Now), kind: isSwitch, help: "Let it sign at once. Relying parties that keep the old key set refuse its tokens until they fetch the new one."})
	define(cmd, c.storeFlags.flags()...)
	return cmd
}

// run makes the next key, or calls the one that waits, and says when it signs.
func (c *keyRotateCommand) run(ctx context.Context, s streams) error {
	var key token.Info
	err := c.do(ctx, func(a control.Admin) (err error) {
		key, err = a.RotateSigningKey(ctx, c.Now)
		return err
	})
	if err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	_, err = fmt.Fprintf(s.out, "%s is published, and signs from %s\n", key.ID, moment(key.UseFrom))
	return err
}

type keyRetireCommand struct {
	ID string
	storeFlags
}

func (c *keyRetireCommand) command() *cobra.Command {
	cmd := &cobra.Command{
		Use: "retire <id> [flags]", Short: "Refuse the tokens of a key from now on.",
		Long: `<id> is the key, as "idpool key list" names it.`,
		Args: argument(&c.ID, "id"), RunE: runs(c.run),
	}
	define(cmd, c.storeFlags.flags()...)
	return cmd
}

// run retires a key.
func (c *keyRetireCommand) run(ctx context.Context, s streams) error {
	err := c.do(ctx, func(a control.Admin) error { return a.RetireSigningKey(ctx, c.ID) })
	if err != nil {
		return fmt.Errorf("retire: %w", err)
	}
	_, err = fmt.Fprintf(s.out, "%s is retired: tokens that it signed are refused\n", c.ID)
	return err
}

type keyRewrapCommand struct{ storeFlags }

func (c *keyRewrapCommand) command() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rewrap [flags]", Short: "Seal everything in the store under the first master key.",
		Long: `To change the master key: put the new one before the old one in
IDPOOL_MASTER_KEY, or on a line of its own before it in the file, and restart
every server; run this; take the old one away 36 hours later, when the last
session that was sealed under it is over; restart again.`,
		Args: noArguments, RunE: runs(c.run),
	}
	define(cmd, c.storeFlags.flags()...)
	return cmd
}

// run seals what was sealed under another master key.
func (c *keyRewrapCommand) run(ctx context.Context, s streams) error {
	var n int
	err := c.do(ctx, func(a control.Admin) (err error) {
		n, err = a.Rewrap(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("rewrap: %w", err)
	}
	if n == 0 {
		_, err = fmt.Fprintln(s.out, "sealed anew: 0. Everything is sealed under the first master key that the server was started with.")
		return err
	}
	_, err = fmt.Fprintf(s.out, "sealed anew: %d. Sessions that were sealed before are over in 36 hours at the latest; then the old master key can go.\n", n)
	return err
}
