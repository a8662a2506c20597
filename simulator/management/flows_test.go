package management_test

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/iflow"
	"example.com/gatehouse/simulator/tenant"
)

// flowZip is the zip of a flow whose address is a parameter.
func flowZip(t testing.TB, id, address string) []byte {
	t.Helper()
	d := iflow.Describe(id, id, []tenant.Channel{{Address: "/http/x"}})
	d.Version = "1.0.3"
	for i, p := range d.Channels[0].Properties {
		if p.Key == "urlPath" {
			d.Channels[0].Properties[i].Value = "{{Sender Path}}"
		}
	}
	d.Parameters = []iflow.Parameter{{Key: "Sender Path", Value: address}}
	content, err := d.Zip()
	require.NoError(t, err)
	return content
}

// upload is the body that uploads a flow.
func upload(t testing.TB, id, address string) string {
	return `{"Id":"` + id + `","Name":"The ` + id + `","PackageId":"landscape","ArtifactContent":"` + base64Of(flowZip(t, id, address)) + `"}`
}

// The life of a flow as CI tools lead it: upload, deploy, wait, configure, deploy again, undeploy.
func TestLifeOfAFlow(t *testing.T) {
	f := start(t, setup(t))
	s := f.developer()
	a := s.do("POST", "IntegrationDesigntimeArtifacts", upload(t, "invoices", "/invoices"), "Content-Type: application/json").is(201)
	got := a.entity()
	assert.Equal(t, "invoices", got["Id"])
	assert.Equal(t, "1.0.3", got["Version"])
	assert.Equal(t, "The invoices", got["Name"])
	assert.Equal(t, "landscape", got["PackageId"])
	assert.Nil(t, got["ArtifactContent"])
	assert.Contains(t, got["Configurations"], "__deferred")
	assert.Equal(t, "https://e100999-tmn.example:443/api/v1/IntegrationDesigntimeArtifacts(Id='invoices',Version='1.0.3')/$value", got["__metadata"].(map[string]any)["media_src"])
	_, running := f.tenant.Snapshot().Channel("/http/invoices")
	assert.False(t, running, "designtime has no effect on calls")

	for _, version := range []string{"active", "Active", "1.0.3"} {
		assert.Equal(t, got, s.do("GET", "IntegrationDesigntimeArtifacts(Id='invoices',Version='"+version+"')", "").is(200).entity())
		value := s.do("GET", "IntegrationDesigntimeArtifacts(Id='invoices',Version='"+version+"')/$value", "").is(200)
		assert.Equal(t, "application/zip", value.header.Get("Content-Type"))
		assert.Equal(t, string(flowZip(t, "invoices", "/invoices")), value.body)
	}
	s.do("GET", "IntegrationDesigntimeArtifacts(Id='invoices',Version='1.0.4')", "").is(404)

	deploy := func() string {
		t.Helper()
		a := s.do("POST", "DeployIntegrationDesigntimeArtifact?Id='invoices'&Version='active'", "").is(202)
		require.NotEmpty(t, a.body)
		assert.NotContains(t, a.body, "{", "the task's id alone")
		return a.body
	}
	state := func(task string) any {
		t.Helper()
		return s.do("GET", "BuildAndDeployStatus(TaskId='"+task+"')", "").is(200).entity()["Status"]
	}
	runtime := func() any {
		t.Helper()
		return s.do("GET", "IntegrationRuntimeArtifacts('invoices')", "").is(200).entity()["Status"]
	}
	task := deploy()
	assert.Equal(t, "DEPLOYING", state(task))
	assert.Equal(t, "STARTING", runtime())
	channel, running := f.tenant.Snapshot().Channel("/http/invoices")
	require.True(t, running)
	assert.True(t, f.tenant.Snapshot().Restarting(channel, f.Now()), "callers see the downtime")
	f.advance(2 * time.Second)
	assert.Equal(t, "SUCCESS", state(task))
	assert.Equal(t, "STARTED", runtime())
	assert.False(t, f.tenant.Snapshot().Restarting(channel, f.Now()))

	configurations := s.do("GET", "IntegrationDesigntimeArtifacts(Id='invoices',Version='active')/Configurations", "").is(200).results()
	require.Len(t, configurations, 1)
	assert.Equal(t, "Sender Path", configurations[0]["ParameterKey"])
	assert.Equal(t, "/invoices", configurations[0]["ParameterValue"])
	assert.Equal(t, "xsd:string", configurations[0]["DataType"])
	s.do("PUT", "IntegrationDesigntimeArtifacts(Id='invoices',Version='active')/$links/Configurations('Sender%20Path')", `{"ParameterValue":"/bills","DataType":"xsd:string"}`, "Content-Type: application/json").is(202)
	assert.Equal(t, "/bills", s.do("GET", "IntegrationDesigntimeArtifacts(Id='invoices',Version='active')/Configurations('Sender%20Path')/ParameterValue/$value", "").is(200).body)
	_, running = f.tenant.Snapshot().Channel("/http/bills")
	assert.False(t, running, "only with the next deployment")
	deploy()
	_, running = f.tenant.Snapshot().Channel("/http/bills")
	assert.True(t, running)
	_, running = f.tenant.Snapshot().Channel("/http/invoices")
	assert.False(t, running, "the new channels take the place of the old")
	assert.Contains(t, s.do("GET", "ServiceEndpoints?$filter=Name%20eq%20'invoices'&$expand=EntryPoints", "").is(200).body, "https://e100999-iflmap.example/http/bills")

	s.do("DELETE", "IntegrationDesigntimeArtifacts(Id='invoices',Version='active')", "").is(200)
	s.do("GET", "IntegrationDesigntimeArtifacts(Id='invoices',Version='active')", "").is(404)
	assert.Contains(t, []any{"STARTED", "STARTING"}, runtime(), "a deployed flow goes on")
	s.do("DELETE", "IntegrationRuntimeArtifacts('invoices')", "").is(202)
	s.do("GET", "IntegrationRuntimeArtifacts('invoices')", "").is(404)
	_, running = f.tenant.Snapshot().Channel("/http/bills")
	assert.False(t, running)
}

func TestFlowIsReplaced(t *testing.T) {
	f := start(t, setup(t))
	s := f.developer()
	s.do("POST", "IntegrationDesigntimeArtifacts", upload(t, "a", "/a")).is(201)
	s.do("PUT", "IntegrationDesigntimeArtifacts(Id='a',Version='active')", `{"Name":"Other","ArtifactContent":"`+base64Of(flowZip(t, "a", "/b"))+`"}`).is(200)
	got, ok := f.tenant.Snapshot().Artifact("a")
	require.True(t, ok)
	assert.Equal(t, "Other", got.Name)
	assert.Equal(t, "developer", got.ModifiedBy)
	assert.Equal(t, "/http/b", got.Channels[0].Address)
	assert.Equal(t, "a", got.Channels[0].Flow)
}

// The Id that the client gives wins over that of the manifest, as when a flow is copied.
func TestFlowUnderAnotherId(t *testing.T) {
	f := start(t, setup(t))
	body := strings.Replace(upload(t, "a", "/copied"), `"Id":"a"`, `"Id":"copy"`, 1)
	f.developer().do("POST", "IntegrationDesigntimeArtifacts", body).is(201)
	got, ok := f.tenant.Snapshot().Artifact("copy")
	require.True(t, ok)
	assert.Equal(t, "copy", got.Channels[0].Flow)
	f.developer().do("POST", "IntegrationDesigntimeArtifacts", `{"Id":"empty","Name":"Empty","PackageId":"landscape"}`).is(201)
	got, ok = f.tenant.Snapshot().Artifact("empty")
	require.True(t, ok)
	assert.Empty(t, got.Channels)
	assert.NotNil(t, got.Content)
}

func TestFlowThatIsRefused(t *testing.T) {
	f := start(t, setup(t))
	s := f.developer()
	content := base64Of(flowZip(t, "a", "/a"))
	several, err := iflow.Describe("b", "b", nil).Zip()
	require.NoError(t, err)
	for name, row := range map[string]struct {
		method, path, body string
		status             int
		message            string
	}{
		"no package":        {"POST", "IntegrationDesigntimeArtifacts", `{"Id":"a","Name":"a","ArtifactContent":"` + content + `"}`, 400, `"PackageId" is missing`},
		"unknown package":   {"POST", "IntegrationDesigntimeArtifacts", `{"Id":"a","Name":"a","PackageId":"p","ArtifactContent":"` + content + `"}`, 404, "Package ID p does not exist."},
		"not base64":        {"POST", "IntegrationDesigntimeArtifacts", `{"Id":"a","Name":"a","PackageId":"landscape","ArtifactContent":"%"}`, 400, "not Base64"},
		"no zip":            {"POST", "IntegrationDesigntimeArtifacts", `{"Id":"a","Name":"a","PackageId":"landscape","ArtifactContent":"aGVsbG8="}`, 400, "no integration flow"},
		"no id, no content": {"POST", "IntegrationDesigntimeArtifacts", `{"Name":"a","PackageId":"landscape"}`, 400, `"Id" is missing`},
		"taken":             {"POST", "IntegrationDesigntimeArtifacts", `{"Id":"orders","Name":"a","PackageId":"landscape","ArtifactContent":"` + content + `"}`, 409, "already"},
		"put without":       {"PUT", "IntegrationDesigntimeArtifacts(Id='orders',Version='active')", `{"Name":"x"}`, 400, `"ArtifactContent" is missing`},
		"put unknown":       {"PUT", "IntegrationDesigntimeArtifacts(Id='none',Version='active')", `{"ArtifactContent":"` + content + `"}`, 404, "could not be found"},
		"put other id":      {"PUT", "IntegrationDesigntimeArtifacts(Id='orders',Version='active')", `{"Id":"x","ArtifactContent":"` + base64Of(several) + `"}`, 400, "expected that of the entity"},
		"delete unknown":    {"DELETE", "IntegrationDesigntimeArtifacts(Id='none',Version='active')", "", 404, "could not be found"},
		"delete the set":    {"DELETE", "IntegrationDesigntimeArtifacts", "", 405, "not allowed"},
		"parameter unknown": {"PUT", "IntegrationDesigntimeArtifacts(Id='orders',Version='active')/$links/Configurations('x')", `{"ParameterValue":"y"}`, 404, "could not be found"},
		"parameter empty":   {"PUT", "IntegrationDesigntimeArtifacts(Id='orders',Version='active')/$links/Configurations('x')", `{"DataType":"y"}`, 400, `"ParameterValue" is missing`},
		"deploy unknown":    {"POST", "DeployIntegrationDesigntimeArtifact?Id='none'&Version='active'", "", 404, "could not be found"},
		"deploy no quotes":  {"POST", "DeployIntegrationDesigntimeArtifact?Id=orders&Version='active'", "", 400, "expected a string in quotes"},
		"deploy no version": {"POST", "DeployIntegrationDesigntimeArtifact?Id='orders'", "", 400, "expected a string in quotes"},
		"deploy version":    {"POST", "DeployIntegrationDesigntimeArtifact?Id='orders'&Version='9.9.9'", "", 404, "could not be found"},
		"deploy more":       {"POST", "DeployIntegrationDesigntimeArtifact?Id='orders'&Version='active'&x=y", "", 400, "not known"},
		"deploy with get":   {"GET", "DeployIntegrationDesigntimeArtifact?Id='orders'&Version='active'", "", 405, "not allowed"},
		"undeploy unknown":  {"DELETE", "IntegrationRuntimeArtifacts('none')", "", 404, "could not be found"},
		"status unknown":    {"GET", "BuildAndDeployStatus(TaskId='none')", "", 404, "could not be found"},
		"status list":       {"GET", "BuildAndDeployStatus", "", 501, "cannot be listed"},
		"batch":             {"POST", "$batch", "--x", 501, "$batch is not supported"},
		"package taken":     {"POST", "IntegrationPackages", `{"Id":"landscape","Name":"x"}`, 409, "already"},
		"package no name":   {"POST", "IntegrationPackages", `{"Id":"p"}`, 400, `"Name" is missing`},
	} {
		t.Run(name, func(t *testing.T) {
			f.unchanged(func() { s.do(row.method, row.path, row.body).is(row.status).says(row.message) })
		})
	}
}

// A deployment whose address is in use fails, and the flow that is there goes on.
func TestDeploymentThatFails(t *testing.T) {
	f := start(t, setup(t))
	s := f.developer()
	s.do("POST", "IntegrationDesigntimeArtifacts", upload(t, "thief", "/orders")).is(201)
	task := s.do("POST", "DeployIntegrationDesigntimeArtifact?Id='thief'&Version='active'", "").is(202).body
	f.advance(2 * time.Second)
	assert.Equal(t, "FAIL", s.do("GET", "BuildAndDeployStatus(TaskId='"+task+"')", "").is(200).entity()["Status"])
	channel, _ := f.tenant.Snapshot().Channel("/http/orders")
	assert.Equal(t, "orders", channel.Flow)
}

func TestPackages(t *testing.T) {
	f := start(t, setup(t))
	s := f.developer()
	s.do("POST", "IntegrationPackages", `{"Id":"sales","Name":"Sales","ShortText":"of sales"}`).is(201)
	all := s.do("GET", "IntegrationPackages?$select=Id,Name", "").is(200).results()
	require.Len(t, all, 2)
	body := strings.Replace(upload(t, "a", "/a"), `"PackageId":"landscape"`, `"PackageId":"sales"`, 1)
	s.do("POST", "IntegrationDesigntimeArtifacts", body).is(201)
	flows := s.do("GET", "IntegrationPackages('sales')/IntegrationDesigntimeArtifacts", "").is(200).results()
	require.Len(t, flows, 1)
	assert.Equal(t, "a", flows[0]["Id"])
	one := s.do("GET", "IntegrationPackages('sales')/IntegrationDesigntimeArtifacts(Id='a',Version='active')", "").is(200).entity()
	assert.Equal(t, flows[0], one)
	value := s.do("GET", "IntegrationPackages('sales')/IntegrationDesigntimeArtifacts(Id='a',Version='active')/$value", "").is(200)
	assert.Equal(t, "application/zip", value.header.Get("Content-Type"))
	p := s.do("GET", "IntegrationPackages('sales')", "").is(200).entity()
	// A recorded client follows this link of every package.
	mappings := p["ValueMappingDesigntimeArtifacts"].(map[string]any)["__deferred"].(map[string]any)["uri"].(string)
	assert.Empty(t, s.do("GET", strings.TrimPrefix(mappings, "https://e100999-tmn.example:443/api/v1/"), "").is(200).results())
	assert.Equal(t, "developer", p["ModifiedBy"])
	assert.Equal(t, itoa(int(noon.UnixMilli())), p["CreationDate"], "milliseconds as a string")
}

// A flow that came with the landscape can be downloaded too, and read again.
func TestDownloadOfALandscapesFlow(t *testing.T) {
	f := start(t, setup(t))
	value := f.developer().do("GET", "IntegrationDesigntimeArtifacts(Id='stock',Version='active')/$value", "").is(200)
	export, err := iflow.Read("stock.zip", []byte(value.body), nil)
	require.NoError(t, err)
	assert.Equal(t, "/cxf/stock", export.Channels()[0].Address)
	assert.Len(t, export.Channels()[0].Authorization.Table, 1)
}

// What of a flow could not be read has no place in the real interface.
func TestFindingsOfAFlow(t *testing.T) {
	f := start(t, setup(t))
	d := iflow.Describe("lost", "lost", []tenant.Channel{{Address: "/http/x"}})
	for i, p := range d.Channels[0].Properties {
		if p.Key == "urlPath" {
			d.Channels[0].Properties[i].Value = "{{Nowhere}}"
		}
	}
	content, err := d.Zip()
	require.NoError(t, err)
	f.developer().do("POST", "IntegrationDesigntimeArtifacts", `{"Id":"lost","PackageId":"landscape","ArtifactContent":"`+base64Of(content)+`"}`).is(201)
	var report struct {
		Answer struct {
			Findings []iflow.Finding
		}
	}
	f.call("GET", "/gatehouse/v1/flows/lost", "", basic("admin", secret)).is(200).into(&report)
	require.NotEmpty(t, report.Answer.Findings)
	assert.Contains(t, report.Answer.Findings[0].Message+report.Answer.Findings[0].Key, "Nowhere")
}

// The files that the steps of a flow use are listed.
func TestResourcesOfAFlow(t *testing.T) {
	f := start(t, setup(t))
	var content bytes.Buffer
	out := zip.NewWriter(&content)
	in, err := zip.NewReader(bytes.NewReader(flowZip(t, "a", "/a")), int64(len(flowZip(t, "a", "/a"))))
	require.NoError(t, err)
	for _, file := range in.File {
		require.NoError(t, out.Copy(file))
	}
	for _, name := range []string{"src/main/resources/script/log.groovy", "src/main/resources/mapping/a.mmap", "src/main/resources/script/"} {
		_, err := out.Create(name)
		require.NoError(t, err)
	}
	require.NoError(t, out.Close())
	f.developer().do("POST", "IntegrationDesigntimeArtifacts", `{"Id":"a","PackageId":"landscape","ArtifactContent":"`+base64Of(content.Bytes())+`"}`).is(201)
	all := f.developer().do("GET", "IntegrationDesigntimeArtifacts(Id='a',Version='active')/Resources", "").is(200).results()
	require.Len(t, all, 2)
	assert.Equal(t, []any{"log.groovy", "groovy"}, []any{all[0]["Name"], all[0]["ResourceType"]})
	assert.Empty(t, f.developer().do("GET", "IntegrationDesigntimeArtifacts(Id='orders',Version='active')/Resources", "").is(200).results())
}
