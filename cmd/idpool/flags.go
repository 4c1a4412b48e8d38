package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flag is a flag of a command. The command line gives it, or else its
// environment variable, or else, for serve, the configuration file.
type flag struct {
	name     string
	to       func(text string) error // keeps the value; the error says what it must be
	kind     string                  // what the help calls the value
	choices  []string                // the values that there are, if few
	env      string
	value    string // default
	help     string
	required bool
	hidden   bool
}

// isSwitch is the kind of a flag that needs no value. The help leaves it out.
const isSwitch = "bool"

// Set is for pflag, like String and Type.
func (f *flag) Set(text string) error {
	if !f.hidden && strings.HasPrefix(text, "--") { // the flag after one whose value was forgotten
		return errors.New("needs a value")
	}
	if f.choices != nil && !slices.Contains(f.choices, text) {
		return fmt.Errorf(`must be one of "%s"`, strings.Join(f.choices, `","`))
	}
	return f.to(text)
}

// String is the default and never the value, which may be a secret.
func (f *flag) String() string { return f.value }

// Type is what the help calls the value.
func (f *flag) Type() string { return f.kind }

// define gives a command its flags.
func define(cmd *cobra.Command, flags ...flag) {
	cmd.Flags().SortFlags = false
	for _, f := range flags {
		help := f.help
		if f.env != "" {
			help = strings.TrimSuffix(help, ".") + " ($" + f.env + ")"
		}
		if f.value != "" {
			if err := f.Set(f.value); err != nil {
				panic(fmt.Sprintf("the default of --%s %v", f.name, err))
			}
		}
		defined := cmd.Flags().VarPF(&f, f.name, "", help)
		defined.Hidden = f.hidden
		if f.kind == isSwitch {
			defined.NoOptDefVal = "true"
		}
		if f.choices != nil {
			cmd.RegisterFlagCompletionFunc(f.name, cobra.FixedCompletions(f.choices, cobra.ShellCompDirectiveNoFileComp))
		}
	}
}

// secretGiven refuses a flag on the command line that is for the environment only:
// everybody on the machine can read there what is secret.
func secretGiven(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(given *pflag.Flag) {
		if f, ours := given.Value.(*flag); ours && f.hidden {
			err = fmt.Errorf("unknown flag --%s: it is read from %s only", f.name, f.env)
		}
	})
	return err
}

// fill gives the flags that have no value yet those of a source. The origin is
// empty where the source has none.
func fill(cmd *cobra.Command, source func(*flag) (text, origin string)) error {
	var errs []error
	cmd.Flags().VisitAll(func(defined *pflag.Flag) {
		f, ours := defined.Value.(*flag)
		if !ours || defined.Changed {
			return
		}
		if text, origin := source(f); origin != "" {
			if err := cmd.Flags().Set(f.name, text); err != nil {
				errs = append(errs, fmt.Errorf("%w (from %s)", flagError(err), origin))
			}
		}
	})
	return errors.Join(errs...)
}

// environment is the source of variables. One without a value is as good as
// none: what composes environments often cannot leave one out.
func environment(f *flag) (text, origin string) {
	if text = os.Getenv(f.env); text != "" {
		origin = fmt.Sprintf("%s=%q", f.env, text)
	}
	return text, origin
}

// required holds that no flag is missing that must be given.
func required(cmd *cobra.Command) error {
	var missing []string
	cmd.Flags().VisitAll(func(defined *pflag.Flag) {
		if f, ours := defined.Value.(*flag); ours && f.required && !defined.Changed {
			missing = append(missing, "--"+f.name+"="+f.kind)
		}
	})
	if missing == nil {
		return nil
	}
	return errors.New("missing flags: " + strings.Join(missing, ", "))
}

// flagError says in our words what is wrong with a flag.
func flagError(err error) error {
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return fmt.Errorf("--%s %w but got %q", e.GetFlag().Name, e.Unwrap(), e.GetValue())
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return fmt.Errorf("--%s needs a value", e.GetSpecifiedName())
	}
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if short := e.GetSpecifiedShortnames(); short != "" {
			return fmt.Errorf("unknown flag -%s", short)
		}
		return fmt.Errorf("unknown flag --%s", e.GetSpecifiedName())
	}
	return err
}

// What follows keeps values of flags.

func text(to *string) func(string) error {
	return func(text string) error {
		*to = text
		return nil
	}
}

func boolean(to *bool) func(string) error {
	return func(text string) error {
		switch strings.ToLower(text) {
		case "true", "1", "yes":
			*to = true
		case "false", "0", "no":
			*to = false
		default:
			return errors.New("must be true, 1, yes, false, 0 or no")
		}
		return nil
	}
}

func integer[T int | int64](to *T) func(string) error {
	return func(text string) error {
		n, err := strconv.ParseInt(text, 0, 64)
		if err != nil {
			return errors.New("must be a whole number")
		}
		*to = T(n)
		return nil
	}
}

func duration(to *time.Duration) func(string) error {
	return func(text string) (err error) {
		if *to, err = time.ParseDuration(text); err != nil {
			return errors.New("must be a duration such as 30s")
		}
		return nil
	}
}

// pair keeps NAME=VALUE beside those that came before.
func pair(to *map[string]string) func(string) error {
	*to = map[string]string{}
	return func(text string) error {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return errors.New("must be NAME=VALUE")
		}
		(*to)[name] = value
		return nil
	}
}

// outputFlag is the flag of commands that print a list.
func outputFlag(to *string) flag {
	return flag{name: "output", to: text(to), kind: "FORMAT", choices: []string{"table", "json"}, value: "table", help: "table for people, json for programs."}
}
