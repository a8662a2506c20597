package management

import (
	"net/http"

	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/management/odata"
)

// ownDiagnosis diagnoses a call that is still kept, by the id of its record: the causes of its
// refusal, what points to them, and what to change. A call that was let in has none.
func ownDiagnosis(c *ownCall) (any, *odata.Error) {
	l, err := c.landscape()
	if err != nil {
		return nil, err
	}
	for _, j := range l.Journeys().All() {
		if j.ID != c.rest {
			continue
		}
		found, refused := diagnosis.NewLive(c.server.config.Tenant).Diagnose(j)
		if !refused {
			return map[string]any{"refused": false}, nil
		}
		return map[string]any{"refused": true, "diagnosis": found}, nil
	}
	return nil, odata.Errorf(http.StatusNotFound, "No call with the id %q is kept: /gatehouse/v1/journeys lists those that are.", clip(c.rest))
}
