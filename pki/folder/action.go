package folder

// Action is what is to be done with an entry.
type Action string

// The actions.
const (
	// Keep leaves the certificate and its files as they are.
	Keep Action = "keep"
	// Write writes files anew; the certificate stays.
	Write Action = "write files"
	// Mint mints the certificate, the first time or again, and writes all its files.
	Mint Action = "mint"
	// Leave leaves the files of an entry that is no longer described.
	Leave Action = "leave"
	// Remove removes the files of an entry that is no longer described.
	Remove Action = "remove"
)

// Cause is why something is to be done with an entry.
type Cause string

// The causes.
const (
	New             Cause = "new"
	Changed         Cause = "changed"
	IssuerChanged   Cause = "issuer changed"
	Expired         Cause = "expired"
	NeedsRenewal    Cause = "defect needs renewal"
	SeedChanged     Cause = "seed changed"
	KeyMissing      Cause = "private key is not in the folder"
	FileMissing     Cause = "file missing"
	FileChanged     Cause = "file changed by somebody else"
	Interrupted     Cause = "a run was interrupted"
	ExportChanged   Cause = "export changed"
	PasswordChanged Cause = "password changed"
	CRLChanged      Cause = "CRL changed"
	Gone            Cause = "no longer described"
)

// Reason is a cause with what is to be known of it.
type Reason struct {
	Cause Cause `json:"cause"`
	// Detail names fields, files or dates; it may be empty.
	Detail string `json:"detail,omitempty"`
}

// String is the reason in words.
func (r Reason) String() string {
	if r.Detail == "" {
		return string(r.Cause)
	}
	return string(r.Cause) + ": " + r.Detail
}

// Entry is what the plan says of one entry.
type Entry struct {
	Name    string
	Action  Action
	Reasons []Reason
	// Files are those that are written or removed.
	Files []string
	// Conflicts are those of Files that somebody else changed or put there.
	Conflicts []string
}
