package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// What a release says of itself: tools/release has the linker set it, since the bytes of a release
// depend on the sources only and not on the state of a repository.
var releaseVersion, releaseCommit, releaseTime string

// build is what is known of how this command was built.
type build struct {
	// Version is that of the module; "(devel)" for a build from a working copy.
	Version string `json:"version"`
	// Commit, Time and Modified are of the working copy, if it was known.
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"time,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func readBuild() build {
	b := build{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if releaseVersion != "" {
		b.Version, b.Commit, b.Time = releaseVersion, releaseCommit, releaseTime
		return b
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func (b build) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "gatehouse %s", b.Version)
	if b.Commit != "" {
		fmt.Fprintf(&s, ", commit %s", b.Commit)
		if b.Time != "" {
			fmt.Fprintf(&s, " of %s", b.Time)
		}
		if b.Modified {
			s.WriteString(" with changes")
		}
	}
	fmt.Fprintf(&s, ", %s, %s", b.Go, b.Platform)
	return s.String()
}

func newVersion() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Tells the version of gatehouse and how it was built",
		Args:  arguments(0, 0, ""),
		RunE: classified(func(cmd *cobra.Command, _ []string) error {
			if output == jsonFormat {
				return showJSON(cmd.OutOrStdout(), readBuild())
			}
			return show(cmd.OutOrStdout(), readBuild().String()+"\n")
		}),
	}
	outputFlag(cmd, &output)
	return cmd
}
