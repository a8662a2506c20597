package diagnosis

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/tenant"
)

// Assignments are who exists and who has which role, as far as somebody wrote it down. Every list
// may be left out: then nothing is concluded from a name that is not in it.
type Assignments struct {
	// Application is the application of the worker node, such as e100999iflmap. Default: any that
	// ends in iflmap or hcioem counts as one.
	Application string `yaml:"application,omitempty" json:"application,omitempty"`
	// Users are those of the identity provider.
	Users []string `yaml:"users,omitempty" json:"users,omitempty"`
	// Mappings are the users of the certificate-to-user mapping.
	Mappings []string `yaml:"mappings,omitempty" json:"mappings,omitempty"`
	// Credentials are the users of deployed User Credentials artifacts.
	Credentials []string `yaml:"credentials,omitempty" json:"credentials,omitempty"`
	// Groups give their roles to their users.
	Groups []AssignedGroup `yaml:"groups,omitempty" json:"groups,omitempty"`
	// Roles are the role assignments.
	Roles []AssignedRole `yaml:"roles,omitempty" json:"roles,omitempty"`
}

// AssignedGroup is a group with its users.
type AssignedGroup struct {
	Name  string   `yaml:"name" json:"name"`
	Users []string `yaml:"users,omitempty" json:"users,omitempty"`
}

// AssignedRole assigns a role to a user or a group. Without an application it counts on that of
// the worker node.
type AssignedRole struct {
	User        string `yaml:"user,omitempty" json:"user,omitempty"`
	Group       string `yaml:"group,omitempty" json:"group,omitempty"`
	Role        string `yaml:"role" json:"role"`
	Application string `yaml:"application,omitempty" json:"application,omitempty"`
}

// ReadAssignments reads a list of assignments: YAML or JSON with the fields of Assignments, or CSV
// with the columns user, group, role and application, in any order and separated by commas,
// semicolons or tabs. name is used in messages. The error is a document.Problems.
func ReadAssignments(name string, data []byte) (*Assignments, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if separator, ok := csvSeparator(data); ok {
		return readCSV(name, data, separator)
	}
	var a Assignments
	source, err := document.Read(name, data, &a)
	if err != nil {
		return nil, err
	}
	var problems document.Problems
	for i, r := range a.Roles {
		if (r.User == "") == (r.Group == "") {
			problems = append(problems, source.Problem(fmt.Sprintf("roles[%d]", i), "expected either user or group"))
		}
	}
	return &a, problems.Err()
}

// csvSeparator looks at the first line: a table names at least user or group, and role.
func csvSeparator(data []byte) (rune, bool) {
	first, _, _ := strings.Cut(string(data[:min(len(data), 1000)]), "\n")
	for _, separator := range []rune{',', ';', '\t'} {
		columns := strings.FieldsFunc(strings.ToLower(first), func(r rune) bool { return r == separator })
		for i := range columns {
			columns[i] = strings.Trim(columns[i], " \r\"")
		}
		if len(columns) > 1 && slices.Contains(columns, "role") && (slices.Contains(columns, "user") || slices.Contains(columns, "group")) {
			return separator, true
		}
	}
	return 0, false
}

// maxAssignments bounds the rows of a table.
const maxAssignments = 100_000

func readCSV(name string, data []byte, separator rune) (*Assignments, error) {
	reader := csv.NewReader(bytes.NewReader(data))
	reader.Comma, reader.TrimLeadingSpace, reader.FieldsPerRecord = separator, true, -1
	head, err := reader.Read()
	if err != nil {
		return nil, csvProblem(name, err)
	}
	known := []string{"user", "group", "role", "application"}
	column := map[string]int{}
	for i, h := range head {
		h = strings.ToLower(strings.TrimSpace(h))
		if !slices.Contains(known, h) {
			return nil, document.Problems{{File: name, Line: 1, Column: 1, Message: fmt.Sprintf("the column %q is not known%s; expected %s", h, document.DidYouMean(h, known), strings.Join(known, ", "))}}
		}
		column[h] = i
	}
	var a Assignments
	var problems document.Problems
	for {
		row, err := reader.Read()
		if err == io.EOF {
			return &a, problems.Err()
		}
		if err != nil {
			return nil, csvProblem(name, err)
		}
		line, at := reader.FieldPos(0)
		field := func(name string) string {
			if i, ok := column[name]; ok && i < len(row) {
				return strings.TrimSpace(row[i])
			}
			return ""
		}
		r := AssignedRole{User: field("user"), Group: field("group"), Role: field("role"), Application: field("application")}
		switch {
		case r == AssignedRole{}:
			continue
		case r.Role == "" || (r.User == "") == (r.Group == ""):
			problems = append(problems, document.Problem{File: name, Line: line, Column: at, Message: "expected a role, and either a user or a group"})
		case len(a.Roles) == maxAssignments:
			return nil, document.Problems{{File: name, Line: line, Column: at, Message: fmt.Sprintf("more than %d assignments", maxAssignments)}}
		default:
			a.Roles = append(a.Roles, r)
		}
	}
}

func csvProblem(name string, err error) error {
	p := document.Problem{File: name, Line: 1, Column: 1, Message: err.Error()}
	if at := (*csv.ParseError)(nil); errors.As(err, &at) {
		p.Line, p.Column, p.Message = max(at.Line, 1), max(at.Column, 1), at.Err.Error()
	}
	return document.Problems{p}
}

// workerNode tells whether a role on the application counts for sending [C: on the application of
// the worker node only].
func (a *Assignments) workerNode(application string) bool {
	switch {
	case application == "":
		return true
	case a.Application != "":
		return application == a.Application
	}
	return strings.HasSuffix(application, "iflmap") || strings.HasSuffix(application, "hcioem")
}

// held are the assignments of a user, through groups too.
func (a *Assignments) held(user string) []AssignedRole {
	var out []AssignedRole
	for _, r := range a.Roles {
		if r.User == user || r.Group != "" && a.member(r.Group, user) {
			out = append(out, r)
		}
	}
	return out
}

func (a *Assignments) member(group, user string) bool {
	return slices.ContainsFunc(a.Groups, func(g AssignedGroup) bool {
		return strings.EqualFold(g.Name, group) && slices.Contains(g.Users, user)
	})
}

// has tells whether the user has the role where it counts.
func (a *Assignments) has(user, role string) bool {
	return slices.ContainsFunc(a.held(user), func(r AssignedRole) bool { return r.Role == role && a.workerNode(r.Application) })
}

// AssignmentsOf takes over what a tenant's configuration says.
func AssignmentsOf(c tenant.Config) *Assignments {
	a := &Assignments{Application: c.Application}
	for _, u := range c.Users {
		a.Users = append(a.Users, u.Name)
	}
	for _, m := range c.Mappings {
		a.Mappings = append(a.Mappings, m.User)
	}
	for _, cr := range c.Credentials {
		a.Credentials = append(a.Credentials, cr.Name)
		if cr.User != "" && cr.User != cr.Name {
			a.Credentials = append(a.Credentials, cr.User)
		}
	}
	for _, g := range c.Groups {
		a.Groups = append(a.Groups, AssignedGroup{Name: g.Name, Users: slices.Clone(g.Users)})
	}
	for _, r := range c.Roles {
		a.Roles = append(a.Roles, AssignedRole{User: r.User, Group: r.Group, Role: r.Role, Application: r.Application})
	}
	return a
}
