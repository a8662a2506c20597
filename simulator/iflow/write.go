package iflow

import (
	"archive/zip"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	"example.com/gatehouse/simulator/tenant"
)

// Description describes a flow to be written. It says what tests and landscapes need; the flow
// behind the channels is empty.
type Description struct {
	// ID is the artifact's id. Default: "flow".
	ID string
	// Name is the name that people see. Default: ID.
	Name string
	// Version. Default: 1.0.0.
	Version string
	// Senders are the participants that channels may come from. Default: one called "Sender".
	Senders []Participant
	// Channels are the message flows, written in this order.
	Channels []MessageFlow
	// Parameters are the entries of parameters.prop; with none there is no such file.
	Parameters []Parameter
}

// Participant is a sender with the properties that old adapter versions keep there.
type Participant struct {
	// ID is what message flows refer to. Default: Participant_1, Participant_2…
	ID         string
	Name       string
	Properties []Property
}

// MessageFlow is a channel as it stands in the file: a name and properties, in order.
type MessageFlow struct {
	Name string
	// From is the ID of its participant. Default: the first.
	From       string
	Properties []Property
}

// Property is a key with its value.
type Property struct{ Key, Value string }

// Describe describes a flow with these channels, so that reading what is written gives them again.
// A channel's answer is not part of a flow's file and is lost.
func Describe(id, name string, channels []tenant.Channel) Description {
	d := Description{ID: id, Name: name}
	for i, c := range channels {
		d.Channels = append(d.Channels, messageFlowOf(fmt.Sprintf("%s %d", adapterOf(c), i+1), c))
	}
	return d
}

func adapterOf(c tenant.Channel) tenant.Adapter {
	if c.Adapter != "" {
		return c.Adapter
	}
	for _, a := range tenant.Adapters() {
		if strings.HasPrefix(c.Address, a.Prefix()+"/") {
			return a
		}
	}
	return tenant.HTTPS
}

// messageFlowOf writes a channel down as the product does.
func messageFlowOf(name string, c tenant.Channel) MessageFlow {
	adapter := adapterOf(c)
	kind, protocol := kindOf(adapter)
	properties := []Property{
		{"ComponentType", kind.component}, {"ComponentNS", "sap"}, {"Name", kind.component}, {"direction", "Sender"},
		{"TransportProtocol", "HTTPS"}, {"MessageProtocol", cmp.Or(protocol, "None")}, {"system", "Sender"},
	}
	for _, key := range kind.addresses[:min(1, len(kind.addresses))] {
		properties = append(properties, Property{key, strings.TrimPrefix(c.Address, adapter.Prefix())})
	}
	switch {
	case c.OldAdapter && !c.Authorization.ClientCertificate():
	case c.Authorization.ClientCertificate():
		properties = append(properties, Property{kind.authorization, kind.certificate}, Property{tableKey, Rows(c.Authorization.Table)})
	default:
		properties = append(properties, Property{kind.authorization, kind.roleBased}, Property{"userRole", c.Role()}, Property{tableKey, ""})
	}
	if adapter == tenant.HTTPS {
		csrf := "0"
		if c.CSRFProtected {
			csrf = "1"
		}
		properties = append(properties, Property{"xsrfProtection", csrf})
	}
	if mb := c.BodyLimit() >> 20; mb > 0 {
		properties = append(properties, Property{"maximumBodySize", fmt.Sprint(mb)})
	}
	return MessageFlow{Name: name, Properties: properties}
}

func kindOf(a tenant.Adapter) (adapterKind, string) {
	for _, k := range kinds {
		for protocol, adapter := range k.byProtocol {
			if adapter == a {
				return k, protocol
			}
		}
	}
	return kinds[0], ""
}

// Rows writes the rows of a channel's table as they stand in the property clientCertificates.
func Rows(table []tenant.DNPair) string {
	var b strings.Builder
	for _, pair := range table {
		fmt.Fprintf(&b, "<row><cell id='%s'>%s</cell><cell id='%s'>%s</cell></row>", subjectCell, escaped(pair.Subject), issuerCell, escaped(pair.Issuer))
	}
	return b.String()
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}

func (d Description) withDefaults() Description {
	d.ID = cmp.Or(d.ID, "flow")
	d.Name = cmp.Or(d.Name, d.ID)
	d.Version = cmp.Or(d.Version, defaultVersion)
	if len(d.Senders) == 0 {
		d.Senders = []Participant{{Name: "Sender", Properties: []Property{{"enableBasicAuthentication", "false"}}}}
	}
	return d
}

// XML is the .iflw file.
func (d Description) XML() []byte {
	d = d.withDefaults()
	var b strings.Builder
	properties := func(list []Property) {
		b.WriteString("<bpmn2:extensionElements>\n")
		for _, p := range list {
			fmt.Fprintf(&b, "<ifl:property><key>%s</key><value>%s</value></ifl:property>\n", escaped(p.Key), escaped(p.Value))
		}
		b.WriteString("</bpmn2:extensionElements>\n")
	}
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?>
<bpmn2:definitions xmlns:bpmn2="%s" xmlns:ifl="%s" id="Definitions_1">
<bpmn2:collaboration id="Collaboration_1" name="Default Collaboration">
`, bpmnNamespace, iflNamespace)
	first := ""
	for i, p := range d.Senders {
		id := cmp.Or(p.ID, fmt.Sprintf("Participant_%d", i+1))
		first = cmp.Or(first, id)
		fmt.Fprintf(&b, `<bpmn2:participant id="%s" ifl:type="EndpointSender" name="%s">`+"\n", escaped(id), escaped(p.Name))
		properties(append(p.Properties[:len(p.Properties):len(p.Properties)], Property{"ifl:type", "EndpointSender"}))
		b.WriteString("</bpmn2:participant>\n")
	}
	for i, c := range d.Channels {
		fmt.Fprintf(&b, `<bpmn2:messageFlow id="MessageFlow_%d" name="%s" sourceRef="%s" targetRef="StartEvent_%d">`+"\n", i+1, escaped(c.Name), escaped(cmp.Or(c.From, first)), i+1)
		properties(c.Properties)
		b.WriteString("</bpmn2:messageFlow>\n")
	}
	b.WriteString("</bpmn2:collaboration>\n<bpmn2:process id=\"Process_1\" name=\"Integration Process\"/>\n</bpmn2:definitions>\n")
	return []byte(b.String())
}

// Zip is the zip of the flow, as the product exports it.
func (d Description) Zip() ([]byte, error) { return d.around(d.XML()) }

// around packs an .iflw file with the manifest and the parameters of the description.
func (d Description) around(iflw []byte) ([]byte, error) {
	d = d.withDefaults()
	files := []File{{manifestPath, d.manifest()}}
	if len(d.Parameters) > 0 {
		files = append(files, File{parametersPath, Properties(d.Parameters)})
	}
	files = append(files, File{flowFolder + d.ID + ".iflw", iflw})
	return Archive(files...)
}

func (d Description) manifest() []byte {
	var b bytes.Buffer
	for _, line := range []string{
		"Manifest-Version: 1.0", "Bundle-ManifestVersion: 2", "Bundle-SymbolicName: " + d.ID + "; singleton:=true",
		"Bundle-Name: " + d.Name, "Bundle-Version: " + d.Version, "SAP-BundleType: IntegrationFlow", "SAP-NodeType: IFLMAP",
	} {
		// Lines hold 72 bytes at most; what is left goes on behind a blank.
		for most := 72; len(line) > most; most = 71 {
			b.WriteString(line[:most] + "\r\n ")
			line = line[most:]
		}
		b.WriteString(line + "\r\n")
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// Package is the export of a package with these flows.
func Package(name string, flows ...Description) ([]byte, error) {
	type resource struct {
		ID           string `json:"id"`
		Name         string `json:"uniqueId"`
		DisplayName  string `json:"displayName"`
		ResourceType string `json:"resourceType"`
	}
	var resources []resource
	var files []File
	for i, d := range flows {
		d = d.withDefaults()
		data, err := d.Zip()
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%s", name, i, d.ID))
		id := hex.EncodeToString(sum[:16])
		resources = append(resources, resource{id, d.ID, d.Name, "IFlow"})
		files = append(files, File{id + "_content", data})
	}
	list, err := json.Marshal(map[string]any{"resources": resources})
	if err != nil {
		return nil, fmt.Errorf("writing the package %s: %w", name, err)
	}
	about := Properties([]Parameter{{Key: "PackageName", Value: name}})
	return Archive(append([]File{{resourcesFile, []byte(base64.StdEncoding.EncodeToString(list))}, {informationFile, about}}, files...)...)
}

// Properties writes a Java properties file: ASCII, with blanks in keys and everything else escaped
// as java.util.Properties.store does.
func Properties(parameters []Parameter) []byte {
	var b strings.Builder
	for _, p := range parameters {
		escapeProperty(&b, p.Key, true)
		b.WriteByte('=')
		escapeProperty(&b, p.Value, false)
		b.WriteByte('\n')
	}
	return []byte(b.String())
}

func escapeProperty(b *strings.Builder, s string, key bool) {
	short := map[rune]string{'\t': `\t`, '\n': `\n`, '\r': `\r`, '\f': `\f`, '\\': `\\`, '=': `\=`, ':': `\:`, '#': `\#`, '!': `\!`}
	for i, r := range s {
		escape, known := short[r]
		switch {
		case known:
			b.WriteString(escape)
		case r == ' ' && (key || i == 0):
			b.WriteString(`\ `)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(b, `\u%04X\u%04X`, high, low)
		case r < ' ' || r > '~':
			fmt.Fprintf(b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
}

// File is one file of an archive.
type File struct {
	Name string
	Data []byte
}

// Archive packs files into a zip file, which is the same for the same files.
func Archive(files ...File) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err == nil {
			_, err = w.Write(f.Data)
		}
		if err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.Name, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("packing files: %w", err)
	}
	return b.Bytes(), nil
}
