package report_test

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// browserLimit is how long the browser may take to show the page.
const browserLimit = time.Minute

// browser finds Chromium or one of its kind. That there is none is a failure unless comparisons with
// other programs are switched off.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{
		"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge",
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", `C:\Program Files\Google\Chrome\Application\chrome.exe`,
		`C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe`,
	} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("GATEHOUSE_SKIP_ORACLES") != "" {
		t.Skip("no Chromium is installed and GATEHOUSE_SKIP_ORACLES is set: the page was not looked at in a browser")
	}
	t.Fatal("no Chromium is installed: install it, or set GATEHOUSE_SKIP_ORACLES=1 to skip what needs other programs")
	return ""
}

// A browser shows the scenarios that the filters choose. They stand in the address of the page, where
// the links of the requirements put them too.
func TestFiltersInABrowser(t *testing.T) {
	t.Parallel()
	program := browser(t)
	folder := t.TempDir()
	file := filepath.Join(folder, "page.html")
	text := render(t, "html", whole(t, fact))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	address := url.URL{Scheme: "file", Path: filepath.ToSlash(file)}
	if filepath.VolumeName(file) != "" {
		address.Path = "/" + address.Path
	}
	all := []string{"passed", "failed", "error", "closing", "unsupported", "skipped", "pending", "known", "surprise"}
	link := regexp.MustCompile(`<a href="#(text=@LB-4)">LB-4</a>`).FindStringSubmatch(text)
	require.NotNil(t, link, "the requirement has no link")
	for fragment, want := range map[string][]string{
		"":                              all,
		"status=failed,error":           {"failed", "error", "closing", "known"},
		"status=":                       nil,
		"station=load balancer":         {"passed", "failed", "error"},
		"station=no such":               all,
		"text=FACT-closing":             {"closing"},
		"text=fact-closing fact-passed": nil,
		link[1]:                         {"failed"},
		"text=@LB":                      {"passed", "failed", "error"},
		"text=@L":                       nil,
		"status=failed&station=load balancer&text=@LB-4": {"failed"},
		"text=<script>alert(1)</script>":                 nil,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), browserLimit)
		shown := address.String() + "#" + (&url.URL{Fragment: fragment}).EscapedFragment()
		cmd := exec.CommandContext(ctx, program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-extensions", "--no-first-run",
			"--user-data-dir="+filepath.Join(folder, "profile"), "--dump-dom", shown)
		dom, err := cmd.Output()
		cancel()
		require.NoError(t, err, shown)
		var have []string
		for _, m := range regexp.MustCompile(`<details class="(scenario[^"]*)" data-status[^>]*data-text="fact-([a-z]+)-name-tcaf `).FindAllStringSubmatch(string(dom), -1) {
			if !regexp.MustCompile(`\bhidden\b`).MatchString(m[1]) {
				have = append(have, m[2])
			}
		}
		if !assert.True(t, slices.Equal(want, have), "%q shows %q, expected %q", fragment, have, want) {
			t.Log(string(dom[len(dom)-min(len(dom), 2000):]))
		}
	}
}
