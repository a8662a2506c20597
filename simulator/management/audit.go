package management

import (
	"fmt"
	"net/http"

	"example.com/gatehouse/simulator/management/odata"
	"example.com/gatehouse/simulator/tenant"
)

// audit writes an administrative call to the tenant's audit log: every call that changes something
// or tries to, every refused logon and every call that lacks rights, every download of logs, every
// token. Calls that only read are not written. It returns when the entry is kept.
func (s *Server) audit(user, action, object string, result *odata.Error, detail string) {
	e := tenant.AuditEntry{Time: s.config.Now(), User: user, Action: action, Object: object, Result: "success", Detail: detail}
	if result != nil {
		e.Result = fmt.Sprintf("%d %s", result.Status, http.StatusText(result.Status))
		if detail == "" {
			e.Detail = result.Message
		}
	}
	if err := s.config.Tenant.Audit(e); err != nil {
		s.log.Error("an administrative call could not be written to the audit log", "action", action, "error", err)
	}
}
