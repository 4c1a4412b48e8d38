package main

import (
	"context"
	"fmt"

	"idpool/internal/control"
	"idpool/internal/credential"
)

type accountCommand struct {
	Create accountCreateCommand `cmd:"" help:"Make an account and print its root key, once."`
}

type accountCreateCommand struct {
	ID string `required:"" help:"The account, twelve digits." placeholder:"ID"`
	storeFlags
}

// Run makes the account and prints its root key in the form that AWS tools read.
func (c accountCreateCommand) Run(ctx context.Context, s streams) error {
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
