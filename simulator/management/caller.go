package management

import (
	"net/http"

	"example.com/gatehouse/simulator/logon"
	"example.com/gatehouse/simulator/management/odata"
	"example.com/gatehouse/simulator/tenant"
)

// caller finds out who makes a request: a user of the identity provider with its password, or an
// OAuth client, whose permissions are those of the user oauth_client_<id> [C]. Nobody else: users
// of the certificate-to-user mapping and of deployed credentials cannot log on [C].
//
// tried is the name that was tried, for the audit log.
func (s *Server) caller(r *http.Request, snapshot *tenant.Snapshot) (user, tried string, err *odata.Error) {
	given := logon.ReadCredentials(r.Header["Authorization"])
	switch given.Scheme {
	case logon.Basic:
		if snapshot.Password(given.User, given.Password) == tenant.Right {
			return given.User, given.User, nil
		}
		return "", given.User, unauthorized("The user is not known, or the password is another.")
	case logon.Bearer:
		// A client of the platform API is none of the tenant's.
		if client, ok := snapshot.Token(given.Token, s.config.Now()); ok && len(snapshot.ClientScopes(client)) == 0 {
			return tenant.ClientUserPrefix + client, tenant.ClientUserPrefix + client, nil
		}
		return "", "", unauthorized("The token was not issued here, has expired, or its client is gone.")
	case logon.Unreadable:
		return "", "", unauthorized("Found " + given.Problem + ".")
	}
	return "", "", unauthorized("Log on with Basic or with a bearer token.")
}

func unauthorized(message string) *odata.Error {
	return &odata.Error{Status: http.StatusUnauthorized, Message: message}
}

// challenge asks for credentials, as an answer with status 401 has to.
func challenge(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="SAP Cloud Integration (simulated)", charset="UTF-8"`)
}
