package management

import "example.com/gatehouse/simulator/management/odata"

// The names of the real $metadata. [C]
const (
	namespace = "com.sap.hci.api"
	container = "DefaultContainer"
)

// buildModel puts the entity sets together. Those that only lead on from others are no sets of
// their own: they are not in the service document.
func (s *Server) buildModel() {
	s.model = &odata.Model{Namespace: namespace, Container: container, Functions: []odata.FunctionImport{deployFunction}}
	s.sets = map[string]*resource{}
	for _, r := range []*resource{
		s.mappings(), s.logFiles(), s.logArchives(), s.credentials(), s.keystore(), s.packageSet(), s.artifacts(),
		s.runtimeFlows(), s.deployments(), s.endpoints(), s.profiles(), s.roles(),
	} {
		s.model.Sets = append(s.model.Sets, odata.EntitySet{Name: r.typ.Set, Type: r.typ})
		s.sets[r.typ.Set] = r
	}
	for _, r := range []*resource{s.certificates(), s.runtimeErrors()} {
		s.sets[r.typ.Set] = r
	}
}
