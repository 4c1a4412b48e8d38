package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func init() { cobra.EnableCommandSorting = false }

// runs is a command's function as cobra calls it.
func runs(run func(context.Context, streams) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		return run(cmd.Context(), streams{cmd.OutOrStdout(), cmd.ErrOrStderr()})
	}
}

// group is a command that does nothing but have others.
func group(name, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use: name + " <command>", Short: short, DisableFlagsInUseLine: true,
		Args: cobra.ArbitraryArgs, SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unexpected(cmd, args[0])
			}
			var names []string
			for _, c := range cmd.Commands() {
				if c.IsAvailableCommand() {
					names = append(names, c.Name())
				}
			}
			return misuse(cmd, errors.New("expected one of "+quoted(names)))
		},
	}
	g.AddCommand(commands...)
	return g
}

// noArguments is for a command that has flags only.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return unexpected(cmd, args[0])
	}
	return nil
}

// argument is for a command with one argument beside its flags.
func argument(to *string, name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return misuse(cmd, fmt.Errorf("expected <%s>", name))
		}
		*to = args[0]
		return noArguments(cmd, args[1:])
	}
}

// misuse is an error of somebody who has to look up what a command takes; nil
// if err is.
func misuse(cmd *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	return hinted{usageError{err}, fmt.Sprintf(`see "%s --help"`, cmd.CommandPath())}
}

func unexpected(cmd *cobra.Command, argument string) error {
	meant := cmd.SuggestionsFor(argument)
	switch len(meant) {
	case 0:
		return misuse(cmd, fmt.Errorf("unexpected argument %s", argument))
	case 1:
		return misuse(cmd, fmt.Errorf("unexpected argument %s, did you mean %s?", argument, quoted(meant)))
	}
	return misuse(cmd, fmt.Errorf("unexpected argument %s, did you mean one of %s?", argument, quoted(meant)))
}

func quoted(names []string) string { return `"` + strings.Join(names, `", "`) + `"` }

// printHelp prints what a command does and takes.
func printHelp(cmd *cobra.Command, _ []string) {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "Usage: %s\n\n%s\n", cmd.UseLine(), cmd.Short)
	if cmd.Long != "" {
		fmt.Fprintf(out, "\n%s\n", cmd.Long)
	}
	if cmd.HasSubCommands() {
		fmt.Fprint(out, "\nCommands:\n")
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		printCommands(w, cmd, "  ")
		w.Flush()
		fmt.Fprintf(out, "\nRun \"%s <command> --help\" for what a command takes.\n", cmd.CommandPath())
	}
	if flags := cmd.LocalFlags(); cmd.HasParent() && flags.HasAvailableFlags() {
		fmt.Fprintf(out, "\nFlags:\n%s", flags.FlagUsagesWrapped(width(out)))
	}
}

// printCommands prints a line for everything below a command that can be run.
func printCommands(w io.Writer, cmd *cobra.Command, path string) {
	for _, c := range cmd.Commands() {
		switch {
		case !c.IsAvailableCommand():
		case c.HasSubCommands():
			printCommands(w, c, path+c.Name()+" ")
		default:
			fmt.Fprintf(w, "%s%s\t%s\n", path, c.Name(), c.Short)
		}
	}
}

// width is that of the terminal, or of most.
func width(out io.Writer) int {
	if f, ok := out.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	return 80
}

// helpCommand is for those who type "idpool help" instead of --help.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help <command>", Short: "Print the help of a command.", Hidden: true, DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			of, rest, err := cmd.Root().Find(args)
			if err == nil && len(rest) > 0 {
				err = unexpected(of, rest[0])
			}
			if err != nil {
				return err
			}
			return of.Help()
		},
	}
}
