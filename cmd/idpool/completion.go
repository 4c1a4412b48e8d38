package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// completionCommand prints what teaches a shell our commands and flags.
func completionCommand() *cobra.Command {
	var shell string
	return &cobra.Command{
		Use: "completion <shell>", Short: "Print a script that completes in bash, zsh or fish.",
		Long: `For this session of bash: source <(idpool completion bash); the same of zsh.
For this session of fish: idpool completion fish | source
In bash the package bash-completion must be there.`,
		DisableFlagsInUseLine: true,
		Args:                  argument(&shell, "shell"),
		ValidArgs:             []string{"bash", "zsh", "fish"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			switch shell {
			case "bash":
				return cmd.Root().GenBashCompletionV2(out, true)
			case "zsh":
				return cmd.Root().GenZshCompletion(out)
			case "fish":
				return cmd.Root().GenFishCompletion(out, true)
			}
			return misuse(cmd, fmt.Errorf("<shell> must be one of %s but got %q", quoted(cmd.ValidArgs), shell))
		},
	}
}
