package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/steps/evidence"
	"example.com/gatehouse/steps/suite/result"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

// page holds the template of the report. What came from a feature file, a caller or a target goes
// through html/template, which escapes it for the place where it stands; control characters are
// made visible before.
var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"printable": printable, "word": word, "place": place, "reason": reason, "saw": saw, "count": count,
	"class":   func(s any) string { return strings.ReplaceAll(fmt.Sprint(s), " ", "-") },
	"seconds": func(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) },
	"day":     func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
	"moment":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"picture": picture,
	"opened":  func(r *result.Result) bool { return r.Status == result.Failed || r.Status == result.Error },
	"notes":   facts, "next": func(i int) int { return i + 1 },
}).Parse(pageText))

// pageData is what the template sees.
type pageData struct {
	*result.Report
	Style  template.CSS
	Script template.JS
	// Policy lets the page run its own script and nothing else, and load nothing.
	Policy   string
	Stations []stationData
	Statuses []result.Status
	// NotRun is how many requirements have no scenario in the run.
	NotRun int
}

// stationData is the summary of a station.
type stationData struct {
	Name         string
	Counts       result.Counts
	Requirements []result.Coverage
}

// scenarioData is a scenario with its calls.
type scenarioData struct {
	*result.Result
	Calls    []evidence.Call
	Stations string // of its requirements, for the filter
}

func writeHTML(w io.Writer, r *result.Report) error {
	sum := sha256.Sum256([]byte(pageScript))
	data := pageData{
		Report: r, Style: template.CSS(pageStyle), Script: template.JS(pageScript), Statuses: result.Statuses(),
		Policy: "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
	}
	stationOf := map[string]string{}
	for _, station := range journey.Stations() {
		one := stationData{Name: string(station), Counts: r.Station(string(station))}
		for _, c := range r.Requirements {
			if c.Station == one.Name {
				one.Requirements = append(one.Requirements, c)
				stationOf[c.ID] = one.Name
				if c.Verdict == result.NotRun {
					data.NotRun++
				}
			}
		}
		data.Stations = append(data.Stations, one)
	}
	if err := page.ExecuteTemplate(w, "head", data); err != nil {
		return err
	}
	for i := range r.Results {
		one := scenarioData{Result: &r.Results[i]}
		var err error
		if one.Calls, err = r.Calls(one.Result); err != nil {
			return err
		}
		for _, id := range one.Scenario.Requirements() {
			if station := stationOf[id]; station != "" && !strings.Contains(one.Stations, station) {
				one.Stations = strings.TrimPrefix(one.Stations+"|"+station, "|")
			}
		}
		if err := page.ExecuteTemplate(w, "scenario", one); err != nil {
			return err
		}
	}
	return page.ExecuteTemplate(w, "foot", data)
}

// The measures of the picture of a journey, in pixels.
const (
	boxWidth, boxHeight, boxGap = 158, 62, 24
	pictureTop                  = 22
)

// box is a station in the picture.
type box struct {
	X, Y, Width, Height int
	TextX, NameY, WordY int
	ArrowX1, ArrowX2    int // 0: no arrow leads here
	ArrowY              int
	Name, Class, Word   string
	Title               string
	Cause               bool
}

// drawing is the picture of a journey: a box for each station, in the order of the way.
type drawing struct {
	Width, Height int
	Title         string
	Boxes         []box
}

// picture draws what the stations wrote down; it works nothing out.
func picture(j journey.Journey) drawing {
	stations := journey.Stations()
	d := drawing{Width: len(stations)*(boxWidth+boxGap) - boxGap + 2, Height: pictureTop + boxHeight + 2}
	cause, refused := j.Cause()
	var told []string
	for i, station := range stations {
		x := 1 + i*(boxWidth+boxGap)
		b := box{
			X: x, Y: pictureTop, Width: boxWidth, Height: boxHeight, TextX: x + boxWidth/2, NameY: pictureTop + 26, WordY: pictureTop + 46,
			Name: string(station), Class: "unreached", Word: "not reached",
		}
		if i > 0 {
			b.ArrowX1, b.ArrowX2, b.ArrowY = x-boxGap+2, x-3, pictureTop+boxHeight/2
		}
		if stop, ok := j.At(station); ok {
			b.Class, b.Word = string(stop.Verdict), string(stop.Verdict)
			b.Title = printable(stop.Decided)
			b.Cause = refused && cause.Station == station
			told = append(told, string(station)+" "+b.Word)
		}
		d.Boxes = append(d.Boxes, b)
	}
	d.Title = "The way of the call: " + strings.Join(told, ", ")
	return d
}
