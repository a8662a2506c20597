package systemlog_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"example.com/gatehouse/simulator/systemlog"
)

func ExampleAccessLine() {
	line := systemlog.AccessLine{
		LoadBalancer: "10.0.0.14", Client: "198.51.100.49", User: "WAREHOUSE",
		Time:   time.Date(2021, 4, 12, 0, 0, 5, 0, time.UTC),
		Method: "POST", URI: "/http/orders", Status: 200, Bytes: 6824, Duration: 1762 * time.Millisecond,
		Host: "e100999-iflmap.hcisbp.eu1.hana.ondemand.com:443",
	}
	fmt.Println(line)
	// Output: 10.0.0.14 (198.51.100.49) - WAREHOUSE [12/Apr/2021:00:00:05 +0000] POST /http/orders HTTP/1.1 200 6824 1762 e100999-iflmap.hcisbp.eu1.hana.ondemand.com:443 -
}

func ExampleParseAccessLine() {
	line, err := systemlog.ParseAccessLine("10.0.0.13 (198.51.100.21) - warehouse.example@Example Issuing CA 2 [12/Apr/2021:00:32:23 +0000] POST /cxf/orders HTTP/1.1 403 - 16 e100999-iflmap.hcisbp.eu1.hana.ondemand.com:443 -")
	fmt.Println(line.User, line.Status, err)
	_, err = systemlog.ParseAccessLine("10.0.0.14 - WAREHOUSE [today] POST /http/orders HTTP/1.1 200")
	fmt.Println(err)
	// Output:
	// warehouse.example@Example Issuing CA 2 403 <nil>
	// column missing or empty: expected 6 after the user
}

func ExampleReadTrace() {
	record := systemlog.TraceRecord{Time: time.Date(2022, 10, 7, 8, 6, 55, 0, time.UTC), Logger: systemlog.AuthenticationFilter, Text: systemlog.CertificateStatus(20)}
	for record, err := range systemlog.ReadTrace(strings.NewReader(record.String() + "\n")) {
		if err != nil {
			log.Fatal(err)
		}
		code, _ := systemlog.ParseCertificateStatus(record.Text)
		fmt.Println(record.Time.Format(time.TimeOnly), code)
	}
	// Output: 08:06:55 20
}

func ExampleWriter() {
	folder, err := os.MkdirTemp("", "logs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	now := func() time.Time { return time.Date(2021, 4, 12, 8, 0, 0, 0, time.UTC) }
	writer, err := systemlog.New(folder, systemlog.NodeID("e100999", 1), now)
	if err != nil {
		log.Fatal(err)
	}
	defer writer.Close()

	dir := systemlog.Dir(folder)
	mark, err := dir.Mark()
	if err != nil {
		log.Fatal(err)
	}
	if err := writer.Access(systemlog.AccessLine{User: "WAREHOUSE", Status: 200, Bytes: -1}); err != nil {
		log.Fatal(err)
	}
	lines, records, err := dir.Since(mark)
	fmt.Println(len(lines), lines[0].User, lines[0].Status, len(records), err)
	// Output: 1 WAREHOUSE 200 0 <nil>
}

func ExampleOpen() {
	logs, err := systemlog.Open(filepath.Join("testdata", "http_access_1a2b3c4_2021-04-12.log"))
	if err != nil {
		log.Fatal(err)
	}
	var unread systemlog.Tally
	for line, err := range logs.Access() {
		if err != nil {
			unread.Note(err)
			continue
		}
		fmt.Printf("%s %d %q\n", line.Node, line.Status, line.User)
	}
	fmt.Println(unread.Lines, "unreadable")
	// Output:
	// 1a2b3c4 401 ""
	// 1a2b3c4 200 "WAREHOUSE"
	// 1a2b3c4 403 "warehouse.example@Example Issuing CA 2"
	// 1a2b3c4 200 "oauth_client_3f2a9c1e-0d4b-4b7a-9a51-6f0e8c7d2b10"
	// 0 unreadable
}
