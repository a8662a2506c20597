package diagnosis

import (
	"fmt"
	"net/http"
	"strings"

	"example.com/gatehouse/simulator/journey"
)

// logon makes the rule of causes of a refused password.
func logon(more func(v *view, said *verdict, user string, a *Assignments)) func(*view, *verdict) {
	return unrecognised(func(v *view, said *verdict) {
		user, ok := v.sentCredentials()
		if ok && user == "" {
			said.exclude() // a token
			return
		}
		if ok {
			said.points(fmt.Sprintf("The client logged on as %q.", user))
		}
		if v.withoutCertificate() && !ok {
			said.against("The client's output shows no logon.")
		}
		a := v.f.evidence.Assignments
		if a == nil {
			a = &Assignments{}
		}
		more(v, said, user, a)
	})
}

func contains(list []string, name string) bool {
	for _, one := range list {
		if one == name {
			return true
		}
	}
	return false
}

// credentialCauses are those for which a logon with password or token is refused.
func credentialCauses() []Cause {
	const sends = "what the sender's client says, and the users"
	return []Cause{
		{
			ID: "wrong-password", Station: journey.RuntimeNode, Reason: journey.PasswordWrong, common: 5, own: []string{"Basic authentication failed: the password is not"},
			Title:       "The password is wrong",
			Symptom:     "401; the access log shows user -; the trace shows nothing of a refused certificate.",
			Evidence:    "The user is one of the identity provider.",
			Why:         "The password was changed, has expired, or is that of another landscape.",
			Fix:         "Correct the password in the sender, or better, use a client certificate: SAP recommends against passwords here.",
			Check:       "See whether the sender logs on with user and password at all, and with which user.",
			Requirement: "AUT-6", Needs: sends,
			judge: logon(func(_ *view, said *verdict, user string, a *Assignments) {
				switch {
				case user != "" && contains(a.Users, user):
					said.proves(fmt.Sprintf("The identity provider has the user %q.", user))
				case user != "" && (len(a.Users) > 0 || contains(a.Mappings, user) || contains(a.Credentials, user)):
					said.exclude()
				}
			}),
		},
		{
			ID: "user-unknown", Station: journey.RuntimeNode, Reason: journey.UserUnknown, common: 3, own: []string{"Basic authentication failed: the identity provider has no user"},
			Title:       "The identity provider has no such user",
			Symptom:     "401; the access log shows user -; the trace shows nothing of a refused certificate.",
			Evidence:    "The user is not among those of the identity provider.",
			Why:         "The user is misspelled, belongs to another subaccount, or was removed.",
			Fix:         "Use a user of the identity provider that the subaccount trusts, or better, a client certificate.",
			Check:       "Look for the user in the identity provider.",
			Requirement: "AUT-6", Needs: sends,
			judge: logon(func(_ *view, said *verdict, user string, a *Assignments) {
				switch {
				case user == "":
				case contains(a.Users, user), contains(a.Mappings, user), contains(a.Credentials, user), serviceKey(user):
					said.exclude()
				case len(a.Users) > 0:
					said.proves(fmt.Sprintf("%q is not among the users of the identity provider.", user))
				}
			}),
		},
		{
			ID: "mapping-user-with-password", Station: journey.RuntimeNode, Reason: journey.UserOnlyInMapping, common: 4, own: []string{"exists only in the certificate-to-user mapping"},
			Title:       "The sender logs on with the user of the certificate-to-user mapping, which has no password",
			Symptom:     "401; the access log shows user -; the trace shows nothing of a refused certificate.",
			Evidence:    "The user is in the mapping and not in the identity provider.",
			Why:         "A mapped user need not exist anywhere else: it is the name that a certificate gets.",
			Fix:         "Send the mapped certificate instead of user and password.",
			Check:       "Look for the user under Operations View → Manage Security → Certificate-to-User Mappings.",
			Requirement: "AUT-7", Scenario: "FLD-8", Needs: sends,
			judge: logon(func(_ *view, said *verdict, user string, a *Assignments) {
				switch {
				case user == "":
				case contains(a.Mappings, user) && !contains(a.Users, user):
					said.proves(fmt.Sprintf("%q is a user of the mapping.", user))
				case contains(a.Users, user) || len(a.Mappings) > 0:
					said.exclude()
				}
			}),
		},
		{
			ID: "credential-artifact", Station: journey.RuntimeNode, Reason: journey.UserOnlyInCredentials, common: 3, own: []string{"exists only as a deployed User Credentials artifact"},
			Title:       "The sender logs on with the user of a deployed User Credentials artifact",
			Symptom:     "401; the access log shows user -; the trace shows nothing of a refused certificate.",
			Evidence:    "The user is that of an artifact under Security Material.",
			Why:         "User Credentials serve outbound calls; nobody can log on with them.",
			Fix:         "Use a user of the identity provider, or better, a client certificate with a mapping.",
			Check:       "Look for the user under Operations View → Manage Security → Security Material.",
			Requirement: "AUT-8", Scenario: "FLD-8", Needs: sends,
			judge: logon(func(_ *view, said *verdict, user string, a *Assignments) {
				switch {
				case user == "":
				case contains(a.Credentials, user) && !contains(a.Users, user) && !contains(a.Mappings, user):
					said.proves(fmt.Sprintf("%q is the user of a deployed User Credentials artifact.", user))
				case contains(a.Users, user) || len(a.Credentials) > 0:
					said.exclude()
				}
			}),
		},
		{
			ID: "other-environment", Station: journey.RuntimeNode, Reason: journey.UserUnknown, common: 2, own: []string{"Basic authentication failed: the identity provider has no user"},
			Title:       "Instructions of the other environment were followed: the client of a service key is unknown here",
			Symptom:     "401; the access log shows user -.",
			Evidence:    "The user begins with sb- and has an exclamation mark: the client id of a service instance of the Cloud Foundry environment.",
			Why:         "Service instances, service keys and instance roles are of the Cloud Foundry environment; a Neo tenant has users, roles on applications, and the certificate-to-user mapping.",
			Fix:         "Follow the instructions for Neo: map the certificate under Operations View → Manage Security → Certificate-to-User Mappings and assign the role in the cockpit.",
			Check:       "See whether the user's name begins with sb-.",
			Requirement: "AUT-6", Scenario: "FLD-18", Needs: "what the sender's client says",
			judge: logon(func(_ *view, said *verdict, user string, _ *Assignments) {
				switch {
				case serviceKey(user):
					said.proves(fmt.Sprintf("%q has the form of a service key's client id.", user))
				case user != "":
					said.exclude()
				}
			}),
		},
		{
			ID: "token-not-valid", Station: journey.RuntimeNode, Reason: journey.TokenNotValid, common: 2, own: []string{"Bearer authentication failed"},
			Title:       "The OAuth token is unknown or has expired",
			Symptom:     "401; the access log shows user -; the trace shows nothing of a refused certificate.",
			Evidence:    "The client sends an Authorization header with Bearer.",
			Why:         "Tokens end after a while and with a change of the client's secret.",
			Fix:         "Fetch a new token for the OAuth client, and a new one before each ends.",
			Check:       "See whether the sender sends a token, and when it was fetched.",
			Requirement: "AUT-9", Needs: "what the sender's client says", Mark: confirms, Source: "CI",
			judge: unrecognised(func(v *view, said *verdict) {
				if v.out == nil {
					return
				}
				if v.out.Bearer {
					said.proves("The client sent a token.")
				} else if v.out.Status == http.StatusUnauthorized && v.out.Tool == "curl" {
					said.exclude()
				}
			}),
		},
	}
}

// serviceKey tells whether a name is the client id of a service key.
func serviceKey(user string) bool {
	return strings.HasPrefix(user, "sb-") && strings.Contains(user, "!")
}
