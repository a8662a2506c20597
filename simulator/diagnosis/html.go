package diagnosis

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"example.com/gatehouse/simulator/journey"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"time": func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format("2006-01-02 15:04:05")
	},
	"short":     func(t time.Time) string { return t.UTC().Format("01-02 15:04") },
	"printable": journey.Printable,
	"height": func(n, most int) string {
		if most == 0 || n == 0 {
			return "0"
		}
		return fmt.Sprintf("%.1f", max(float64(n)*100/float64(most), 1))
	},
	"minus": func(a, b int) int { return a - b },
	"title": func(id string) string {
		if c, ok := ByID(id); ok {
			return c.Title
		}
		return "not known"
	},
}).Parse(pageText))

// WriteHTML writes the report as one page that needs nothing else: no script, no style, no picture
// from elsewhere. All that came from callers is escaped.
func WriteHTML(w io.Writer, r *Report) error {
	most := 0
	for _, t := range r.Summary.OverTime {
		most = max(most, t.Calls)
	}
	senders := r.Summary.BySender
	more := max(len(senders)-mostRows, 0)
	err := page.Execute(w, map[string]any{
		"Report": r, "Most": most, "Senders": senders[:min(len(senders), mostRows)], "MoreSenders": more,
	})
	if err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// mostRows bounds the senders on a page.
const mostRows = 100
