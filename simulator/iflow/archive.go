package iflow

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// Where things are in the zip of a flow. [C: exported flows]
const (
	manifestPath   = "META-INF/MANIFEST.MF"
	parametersPath = "src/main/resources/parameters.prop"
	flowFolder     = "src/main/resources/scenarioflows/integrationflow/"
)

// What belongs to the export of a package beside its artifacts. [C: exported packages]
const (
	resourcesFile   = "resources.cnt"
	informationFile = "ExportInformation.info"
)

// contentName is the name of an artifact within the export of a package.
var contentName = regexp.MustCompile(`^[0-9A-Fa-f]{32}_content$`)

var zipMagics = [][]byte{[]byte("PK\x03\x04"), []byte("PK\x05\x06")}

func isZip(data []byte) bool {
	return bytes.HasPrefix(data, zipMagics[0]) || bytes.HasPrefix(data, zipMagics[1])
}

// archive is a zip file whose names have been checked.
type archive struct {
	files map[string]*zip.File
	order []string
}

// openArchive opens a zip file and refuses what no export has: too many files, names that leave
// the archive or stand twice, links, encryption.
func openArchive(data []byte, entries int) (*archive, error) {
	// Every entry of the directory begins with its signature, so this bounds what the package zip
	// makes of a directory before it makes it.
	if n := bytes.Count(data, []byte("PK\x01\x02")); n > entries {
		return nil, fmt.Errorf("holds more than %d files: it is no exported integration flow", entries)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("is a damaged zip file: %w: export or download it again", err)
	}
	a := &archive{files: make(map[string]*zip.File, len(z.File))}
	for _, f := range z.File {
		name, folder := strings.CutSuffix(f.Name, "/")
		if !fs.ValidPath(name) || name == "." || strings.ContainsAny(name, "\\:\x00") {
			return nil, fmt.Errorf("holds a file named %q, which leaves the archive: it is refused", clip(f.Name))
		}
		if folder {
			continue
		}
		if _, twice := a.files[name]; twice {
			return nil, fmt.Errorf("holds two files named %q: it is refused, for readers differ in which one counts", clip(name))
		}
		if mode := f.Mode(); !mode.IsRegular() {
			return nil, fmt.Errorf("holds %q, which is a link or device: it is refused", clip(name))
		}
		if f.Flags&1 != 0 {
			return nil, fmt.Errorf("holds %q, which is encrypted, expected an export without password", clip(name))
		}
		if foreign(name) {
			continue
		}
		a.files[name] = f
		a.order = append(a.order, name)
	}
	return a, nil
}

// foreign tells whether an operating system put the file there.
func foreign(name string) bool {
	return strings.HasPrefix(name, "__MACOSX/") || strings.HasPrefix(path.Base(name), "._") || path.Base(name) == ".DS_Store"
}

// read unpacks one file of an archive, up to a limit.
func (r *reader) read(f *zip.File, most int64) ([]byte, error) {
	most = min(most, r.left)
	in, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("cannot be unpacked: %w", err)
	}
	defer in.Close()
	// Not the size that the directory claims but the one that is there counts.
	data, err := io.ReadAll(io.LimitReader(in, most+1))
	r.left -= int64(len(data))
	switch {
	case int64(len(data)) > most:
		return nil, errTooLarge
	case err != nil:
		return nil, fmt.Errorf("cannot be unpacked: %w", err)
	}
	return data, nil
}

var errTooLarge = errors.New("is too large once it is unpacked: expected an integration flow of the usual size")

// zip reads the export of a package, or the zip of one flow.
func (r *reader) zip(data []byte) (Export, error) {
	a, err := openArchive(data, r.entries)
	if err != nil {
		return Export{}, r.problem("", "%v", err)
	}
	var contents []string
	for _, name := range a.order {
		if contentName.MatchString(path.Base(name)) {
			contents = append(contents, name)
		}
	}
	if len(contents) == 0 {
		if _, is := a.files[resourcesFile]; is {
			return Export{}, r.problem("", "is the export of a package without artifacts")
		}
		if _, ok := a.iflw(); !ok {
			return Export{}, r.problem("", "is a zip file without an .iflw file in %s and without <32 hex digits>_content: expected an exported integration flow or package", flowFolder)
		}
		flow, err := r.flow("", a)
		if err != nil {
			return Export{}, err
		}
		flow.Content = data
		return Export{Flows: []Flow{flow}}, nil
	}
	return r.pack(a, contents)
}

// pack reads the artifacts of a package.
func (r *reader) pack(a *archive, contents []string) (Export, error) {
	if len(contents) > r.limits.flows {
		return Export{}, r.problem("", "holds %d artifacts, expected at most %d", len(contents), r.limits.flows)
	}
	var out Export
	for _, name := range contents {
		data, err := r.read(a.files[name], r.limits.flow)
		if err != nil {
			return Export{}, r.problem(name, "%v", err)
		}
		if !isZip(data) {
			out.Findings = append(out.Findings, Finding{File: name, Message: "is no zip file and so no integration flow; it is left out"})
			continue
		}
		inner, err := openArchive(data, r.entries)
		if err != nil {
			return Export{}, r.problem(name, "%v", err)
		}
		if _, ok := inner.iflw(); !ok {
			out.Findings = append(out.Findings, Finding{File: name, Message: "holds no .iflw file and so no integration flow (but a mapping, scripts, or the like); it is left out"})
			continue
		}
		flow, err := r.flow(name, inner)
		if err != nil {
			return Export{}, err
		}
		flow.Content = data
		out.Flows = append(out.Flows, flow)
	}
	return out, nil
}

// iflw finds the first .iflw file.
func (a *archive) iflw() (string, bool) {
	for _, name := range a.order {
		if isFlowFile(name) {
			return name, true
		}
	}
	return "", false
}

func isFlowFile(name string) bool { return strings.EqualFold(path.Ext(name), ".iflw") }

// flow reads the zip of one flow; file is its name in the export of a package, empty if it is none.
func (r *reader) flow(file string, a *archive) (Flow, error) {
	within := func(name string) string {
		if file == "" {
			return name
		}
		return file + "!" + name
	}
	flowFile, _ := a.iflw()
	// Who packs a flow again by hand often gets one more folder around it.
	root, _, _ := strings.Cut(flowFile, flowFolder)
	if !strings.Contains(flowFile, flowFolder) {
		root = ""
	}
	var flow Flow
	for _, name := range a.order {
		if isFlowFile(name) && name != flowFile {
			flow.Findings = append(flow.Findings, Finding{File: within(name), Message: fmt.Sprintf("is a second .iflw file in one flow; %s counts, and this one is left out", flowFile)})
		}
	}
	optional := func(name string) ([]byte, bool, error) {
		f, there := a.files[root+name]
		if !there {
			return nil, false, nil
		}
		data, err := r.read(f, r.text)
		if err != nil {
			return nil, false, r.problem(within(root+name), "%v", err)
		}
		return data, true, nil
	}
	manifest, there, err := optional(manifestPath)
	if err != nil {
		return Flow{}, err
	}
	flow.identify(within(root+manifestPath), manifest, there, idFromFile(flowFile))

	var properties []property
	text, there, err := optional(parametersPath)
	if err != nil {
		return Flow{}, err
	}
	if there {
		var wrong []Finding
		properties, wrong = parseProperties(text)
		for _, f := range wrong {
			f.File = within(root + parametersPath)
			flow.Findings = append(flow.Findings, f)
		}
	}
	data, err := r.read(a.files[flowFile], r.xml)
	if err != nil {
		return Flow{}, r.problem(within(flowFile), "%v", err)
	}
	m, err := parseModel(data, r.limits)
	if err != nil {
		return Flow{}, r.problem(within(flowFile), "%v", err)
	}
	r.channels(&flow, within(flowFile), m, properties)
	return flow, nil
}
