package folder_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/folder"
)

func Example() {
	dir, err := os.MkdirTemp("", "certificates")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	all := []pki.Description{{Name: "root", CA: true}, {Name: "warehouse", Issuer: "root"}}
	options := folder.Options{Now: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }, Seed: "example"}
	for range 2 {
		plan, err := folder.Compare(context.Background(), dir, all, options)
		if err != nil {
			panic(err)
		}
		for _, e := range plan.Entries() {
			fmt.Println(e.Action, e.Name, e.Reasons)
		}
		result, err := plan.Apply(context.Background())
		if err != nil {
			panic(err)
		}
		fmt.Println(result.Files, "files")
		all[1].Subject = "CN=warehouse, O=Example"
	}
	// Output:
	// mint root [new]
	// mint warehouse [new]
	// 12 files
	// keep root []
	// mint warehouse [changed: subject]
	// 6 files
}
