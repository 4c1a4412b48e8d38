package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"idpool/internal/control"
	"idpool/internal/credential"
)

func accountCommand() *cobra.Command {
	return group("account", "Accounts of this server.", new(accountCreateCommand).command())
}

type accountCreateCommand struct {
	ID string
	storeFlags
}

func (c *accountCreateCommand) command() *cobra.Command {
	cmd := &cobra.Command{
		Use: "create --id ID [flags]", Short: "Make an account and print its root key, once.",
		Args: noArguments, RunE: runs(c.run),
	}
	define(cmd, flag{name: "id", to: text(&c.ID), kind: "ID", required: true, help: "The account, twelve digits."})
	define(cmd, c.storeFlags.flags()...)
	return cmd
}

// run makes the account and prints its root key in the form that AWS tools read.
func (c *accountCreateCommand) run(ctx context.Context, s streams) error {
	if !twelveDigits.MatchString(c.ID) {
		return usageError{fmt.Errorf("--id: %q is not twelve digits", c.ID)}
	}
	var key credential.RootKey
	err := c.do(ctx, func(a control.Admin) (err error) {
		key, err = a.CreateAccount(ctx, c.ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("create account: %w", err)
	}
	_, err = fmt.Fprintf(s.out, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", c.ID, key.ID, key.Secret)
	return err
}
