package iflow

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/document"
)

const goodName = flowFolder + "a.iflw"

func goodDescription() Description {
	return Describe("a", "a", nil).with(MessageFlow{Name: "HTTPS", Properties: []Property{
		{"ComponentType", "HTTPS"}, {"direction", "Sender"}, {"urlPath", "/a"}, {"senderAuthType", "RoleBased"}, {"userRole", "ESBMessaging.send"}}})
}

func (d Description) with(c MessageFlow) Description {
	d.Channels = append(d.Channels, c)
	return d
}

func archiveOf(t testing.TB, files ...File) []byte {
	t.Helper()
	data, err := Archive(files...)
	require.NoError(t, err)
	return data
}

// refused demands that reading fails as a document that is wrong, with that reason.
func refused(t *testing.T, data []byte, want string) {
	t.Helper()
	_, err := Read("x.zip", data, nil)
	require.Error(t, err)
	var problems document.Problems
	require.ErrorAs(t, err, &problems)
	assert.Contains(t, err.Error(), want)
	assert.True(t, strings.HasPrefix(err.Error(), "x.zip"), err.Error())
}

func TestGoodTwin(t *testing.T) {
	t.Parallel()
	e, err := Read("x.zip", archiveOf(t, File{goodName, goodDescription().XML()}, File{"META-INF/MANIFEST.MF", goodDescription().manifest()}), nil)
	require.NoError(t, err)
	assert.Empty(t, e.AllFindings())
	assert.Len(t, e.Channels(), 1)
}

func TestWhatIsNoExport(t *testing.T) {
	t.Parallel()
	refused(t, nil, "is empty")
	refused(t, []byte("hello"), "is neither a zip file nor XML")
	refused(t, []byte("PK\x03\x04 and no more"), "is a damaged zip file")
	refused(t, archiveOf(t), "without an .iflw file")
	refused(t, archiveOf(t, File{"readme.txt", nil}), "without an .iflw file in src/main/resources/scenarioflows/integrationflow/")
	refused(t, archiveOf(t, File{resourcesFile, nil}), "is the export of a package without artifacts")
	refused(t, make([]byte, MaxSize+1), "expected at most")
	refused(t, []byte("<html><body/></html>"), `line 1, column 7: found the element "html" of the namespace "", expected definitions`)
	refused(t, []byte("<a"), "is not well-formed XML")
	refused(t, []byte("<!-- only this -->"), "holds no XML element")
}

func TestNamesThatLeaveTheArchive(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"../a.iflw", "/etc/passwd", "a/../../b", `a\..\b`, `C:\a`, "C:/a", "a//b", "./a", "a/./b", "\xff", "a\x00b", ""} {
		refused(t, archiveOf(t, File{goodName, goodDescription().XML()}, File{name, []byte("x")}), "leaves the archive")
	}
}

func TestNamesThatStandTwice(t *testing.T) {
	t.Parallel()
	xml := goodDescription().XML()
	refused(t, archiveOf(t, File{goodName, xml}, File{goodName, xml}), "holds two files named")
}

func TestLinksAndEncryption(t *testing.T) {
	t.Parallel()
	special := func(change func(*zip.FileHeader)) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		h := &zip.FileHeader{Name: goodName}
		change(h)
		w, err := z.CreateHeader(h)
		require.NoError(t, err)
		_, err = w.Write(goodDescription().XML())
		require.NoError(t, err)
		require.NoError(t, z.Close())
		return b.Bytes()
	}
	_, err := Read("x.zip", special(func(*zip.FileHeader) {}), nil)
	require.NoError(t, err, "the good twin")
	refused(t, special(func(h *zip.FileHeader) { h.SetMode(fs.ModeSymlink | 0o777) }), "is a link or device")
	refused(t, special(func(h *zip.FileHeader) { h.Flags |= 1 }), "is encrypted")
	refused(t, bytes.ReplaceAll(special(func(h *zip.FileHeader) { h.Method = zip.Store }), []byte("collaboration"), []byte("collaboratiom")), "checksum")
}

func TestBombs(t *testing.T) {
	t.Parallel()
	tight := limits{unpacked: 1 << 20, flow: 1 << 18, xml: 1 << 16, text: 1 << 12, entries: 100, flows: 20, depth: 10, elements: 100}
	is := func(data []byte, want string) {
		t.Helper()
		_, err := read("x.zip", data, nil, tight)
		if want == "" {
			require.NoError(t, err, "the good twin")
			return
		}
		require.ErrorContains(t, err, want)
	}
	xml := func(size int) File {
		good := goodDescription().XML()
		return File{goodName, append(good, bytes.Repeat([]byte("\n"), size-len(good))...)}
	}
	text := func(size int) File { return File{parametersPath, bytes.Repeat([]byte("\n"), size)} }
	is(archiveOf(t, xml(1<<16), text(1<<12)), "")
	is(archiveOf(t, xml(1<<16+1)), "a.iflw: is too large once it is unpacked")
	is(archiveOf(t, xml(1<<16), text(1<<12+1)), "parameters.prop: is too large once it is unpacked")
	is(xml(1<<16).Data, "")
	is(xml(1<<16+1).Data, "expected an .iflw file of at most 65536")

	// A package of many flows, each of them small enough, is bounded as a whole.
	pack := func(n int, content []byte) []byte {
		var files []File
		for i := range n {
			files = append(files, File{fmt.Sprintf("%032x_content", i), content})
		}
		return archiveOf(t, files...)
	}
	big := archiveOf(t, xml(1<<16))
	is(pack(15, big), "")
	is(pack(17, big), "is too large once it is unpacked")
	is(pack(21, big), "holds 21 artifacts, expected at most 20")
	is(pack(1, make([]byte, 1<<18)), "")
	is(pack(1, make([]byte, 1<<18+1)), "_content: is too large once it is unpacked")

	many := make([]File, 101)
	for i := range many {
		many[i] = File{fmt.Sprintf("f%d", i), nil}
	}
	many[0] = xml(1 << 12)
	is(archiveOf(t, many[:100]...), "")
	is(archiveOf(t, many...), "holds more than 100 files")

	insert := func(text string) []byte {
		return []byte(strings.Replace(string(goodDescription().XML()), "<bpmn2:process", text+"<bpmn2:process", 1))
	}
	is(insert(strings.Repeat("<a>", 8)+strings.Repeat("</a>", 8)), "")
	is(insert(strings.Repeat("<a>", 10)+strings.Repeat("</a>", 10)), "is nested deeper than 10 elements")
	is(insert(strings.Repeat("<a/>", 50)), "")
	is(insert(strings.Repeat("<a/>", 100)), "has more than 100 elements")

	assert.LessOrEqual(t, usual.unpacked, int64(1<<28), "what is really allowed fits into the memory of a small machine")
	assert.LessOrEqual(t, usual.elements, 1_000_000)

	nested := archiveOf(t, File{goodName, goodDescription().XML()})
	for range 3 {
		nested = archiveOf(t, File{strings.Repeat("a", 32) + "_content", nested})
	}
	e, err := Read("x.zip", nested, nil)
	require.NoError(t, err)
	assert.Empty(t, e.Flows, "a package within a package is not looked into")
	require.Len(t, e.Findings, 1)
	assert.Contains(t, e.Findings[0].Message, "holds no .iflw file")
}

func TestHostileXML(t *testing.T) {
	t.Parallel()
	good := string(goodDescription().XML())
	insert := func(text string) []byte {
		return []byte(strings.Replace(good, "<bpmn2:definitions", text+"<bpmn2:definitions", 1))
	}
	_, err := Read("a.iflw", insert("<!-- a comment -->\n"), nil)
	require.NoError(t, err, "the good twin")
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"billion laughs":  {insert(`<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]>`), "document type"},
		"external entity": {insert(`<!DOCTYPE a SYSTEM "file:///etc/passwd">`), "document type"},
		"entity":          {[]byte(strings.Replace(good, "/a<", "/&xxe;<", 1)), "invalid character entity"},
		"encoding":        {[]byte(strings.Replace(good, "UTF-8", "UTF-7", 1)), `found the encoding "UTF-7", expected UTF-8`},
		"not UTF-8":       {[]byte(strings.Replace(good, "/a<", "/\xff<", 1)), "invalid UTF-8"},
		"deep":            {[]byte(strings.Replace(good, "<bpmn2:process", strings.Repeat("<a>", 200)+"<bpmn2:process", 1)), "nested deeper than 128"},
		"cut off":         {[]byte(good[:len(good)/2]), "is not well-formed XML"},
		"two roots":       {[]byte(good + "<a/>"), "expected definitions"},
		"twice":           {[]byte(good + good[strings.Index(good, "<bpmn2:definitions"):]), "a second element definitions"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Read("x.iflw", c.data, nil)
			require.ErrorContains(t, err, c.want)
		})
	}
}

// Elements of other namespaces or at other places are no channels, whatever they are called.
func TestOnlyTheRightPlaceCounts(t *testing.T) {
	t.Parallel()
	good := string(goodDescription().XML())
	for _, c := range []struct{ old, new string }{
		{iflNamespace, "http://com.sap.ifl.model/Ifl.xsd"},
		{"bpmn2:collaboration", "bpmn2:choreography"},
		{"bpmn2:extensionElements", "bpmn2:documentation"},
		{"bpmn2:messageFlow", "ifl:messageFlow"},
		{"<key>", "<ifl:key>"},
	} {
		text := strings.ReplaceAll(strings.ReplaceAll(good, c.old, c.new), strings.Replace(c.old, "<", "</", 1), strings.Replace(c.new, "<", "</", 1))
		e, err := Read("a.iflw", []byte(text), nil)
		require.NoError(t, err, c.old)
		assert.Empty(t, e.Channels(), c.old)
	}
}

func FuzzRead(f *testing.F) {
	d := goodDescription()
	d.Parameters = []Parameter{{Key: "a b", Value: "c"}}
	data, err := d.Zip()
	require.NoError(f, err)
	f.Add(data)
	f.Add(d.XML())
	pack, err := Package("p", d, d)
	require.NoError(f, err)
	f.Add(pack)
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := Read("x.zip", data, map[string]string{"a b": "{{a b}}"})
		if err != nil {
			var problems document.Problems
			assert.ErrorAs(t, err, &problems)
			return
		}
		for _, flow := range e.Flows {
			assert.NotEmpty(t, flow.ID)
			assert.LessOrEqual(t, len(flow.ID), maxID)
			again, err := Read("x.zip", flow.Content, map[string]string{"a b": "{{a b}}"})
			assert.NoError(t, err, "what was kept of a flow can be read")
			assert.Len(t, again.Flows, 1)
		}
	})
}

func FuzzModel(f *testing.F) {
	f.Add(goodDescription().XML())
	f.Add([]byte(`<definitions xmlns="` + bpmnNamespace + `"><collaboration><messageFlow><extensionElements/></messageFlow></collaboration></definitions>`))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseModel(data, usual)
		if err != nil {
			return
		}
		b := &builder{flow: &Flow{ID: "f"}, file: "f.iflw", model: m, values: map[string]Parameter{}}
		for _, e := range m.messageFlows {
			b.channel(e)
		}
		b.finish()
	})
}

func FuzzRows(f *testing.F) {
	f.Add("<row><cell id='clientCertificate.subjectDN'>CN=a</cell><cell id='clientCertificate.issuerDN'>CN=b</cell></row>")
	f.Add("<row/></row>")
	f.Add("text<row><cell><!DOCTYPE x>")
	f.Fuzz(func(t *testing.T, text string) {
		pairs, err := parseRows(text)
		if err == nil && len(pairs) > 0 {
			again, err := parseRows(Rows(pairs))
			assert.NoError(t, err)
			assert.Equal(t, pairs, again)
		}
	})
}
