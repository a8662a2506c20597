package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"example.com/gatehouse/simulator/reproduction"
	"example.com/gatehouse/steps/suite"
)

// reproduceResult is what "gatehouse reproduce" says.
type reproduceResult struct {
	Folder string `json:"folder"`
	Cause  string `json:"cause"`
	Title  string `json:"title"`
	// Case is the number of the case in the diagnosis; 0 for a cause by its name.
	Case int `json:"case,omitempty"`
	// Apart are causes that the evidence does not tell apart from this one, Passed those that are
	// likelier and that no landscape can have.
	Apart  []string `json:"cannotBeToldApart,omitempty"`
	Passed []string `json:"cannotBeShown,omitempty"`
	// Compared is what the evidence shows, beside what the landscape did.
	Compared  []reproduction.Comparison `json:"compared"`
	Scenarios []reproducedScenario      `json:"scenarios"`
	Invented  []string                  `json:"invented,omitempty"`
	// Agrees tells that all scenarios passed and everything that was compared agrees.
	Agrees bool `json:"agrees"`
}

type reproducedScenario struct {
	Name   string       `json:"name"`
	Status suite.Status `json:"status"`
	// Step is the first one that did not pass, Message what it said.
	Step    string `json:"step,omitempty"`
	Message string `json:"message,omitempty"`
}

func newReproduceResult(dir string, made *reproduction.Reproduction, shown replayed, choice reproduction.Choice) reproduceResult {
	out := reproduceResult{
		Folder: dir, Cause: made.Known.Cause.ID, Title: made.Known.Cause.Title, Case: choice.Number, Passed: choice.Passed,
		Compared: []reproduction.Comparison{}, Invented: made.Invented, Agrees: true,
	}
	for _, id := range choice.Case.Apart {
		if id != out.Cause {
			out.Apart = append(out.Apart, id)
		}
	}
	if made.Known.Evidence {
		out.Compared = append(out.Compared, reproduction.Compare(made.Shows(), shown.seen.Shown())...)
	}
	out.Agrees = reproduction.Agree(out.Compared)
	for _, r := range shown.results {
		one := reproducedScenario{Name: r.Scenario.Name, Status: r.Status, Message: r.Reason}
		if step, failed := r.Failure(); failed {
			one.Step, one.Message = step.Text, step.Message
		}
		out.Agrees = out.Agrees && r.Status == suite.Passed
		out.Scenarios = append(out.Scenarios, one)
	}
	return out
}

func (r reproduceResult) text(made *reproduction.Reproduction) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s (%s)", heading.Render(r.Title), r.Cause)
	if r.Case > 0 {
		line("Case %d of the evidence.", r.Case)
	}
	if len(r.Passed) > 0 {
		line("Likelier, but not to be shown by a landscape: %s.", strings.Join(r.Passed, ", "))
	}
	if len(r.Apart) > 0 {
		line("This evidence does not tell it apart from %s; --cause shows another one.", strings.Join(r.Apart, ", "))
	}
	line("")
	for _, s := range r.Scenarios {
		status := style(s.Status, string(s.Status))
		line("%s  %s", status, clean(s.Name))
		if s.Status != suite.Passed {
			if s.Step != "" {
				line("        %s", clean(s.Step))
			}
			first, _, _ := strings.Cut(s.Message, "\n")
			line("        %s", clean(first))
		}
	}
	line("")
	if made.Known.Evidence {
		r.compared(&b)
	} else {
		line("There is no evidence to compare it with.")
	}
	if len(r.Invented) > 0 {
		line("")
		line("The evidence does not tell, and it was invented:")
		for _, text := range r.Invented {
			line("  %s", clean(text))
		}
	}
	line("")
	line("Wrote %s; %s tells more. Again:", clean(r.Folder), clean(filepath.Join(r.Folder, reproduction.ReadmeName)))
	b.WriteString(rows(nil, [][]string{
		{"  gatehouse test " + shellQuote(filepath.Join(r.Folder, reproduction.FeatureName)), "runs the scenarios"},
		{"  gatehouse serve -f " + shellQuote(filepath.Join(r.Folder, reproduction.LandscapeName)), "runs the landscape with the cause"},
	}))
	return b.String()
}

// compared lists what was compared with the evidence.
func (r reproduceResult) compared(b *strings.Builder) {
	differ := 0
	cells := make([][]string, len(r.Compared))
	for i, c := range r.Compared {
		verdict := "agrees"
		if !c.Agrees {
			verdict = "DIFFERS"
			differ++
		}
		cells[i] = []string{verdict, c.What, c.Evidence, c.Reproduced}
	}
	if len(cells) == 0 {
		b.WriteString("The evidence shows nothing that could be compared.\n")
		return
	}
	b.WriteString(rows([]string{"", "COMPARED", "EVIDENCE", "HERE"}, cells))
	if differ > 0 {
		fmt.Fprintf(b, "\n%s\n", bad.Render(fmt.Sprintf("%d of %d differ from the evidence.", differ, len(cells))))
	} else {
		b.WriteString("\nEverything that the evidence shows is reproduced.\n")
	}
}
