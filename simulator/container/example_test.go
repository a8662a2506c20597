package container_test

import (
	"context"
	"fmt"
	"log"

	"github.com/testcontainers/testcontainers-go"

	"example.com/gatehouse/simulator/container"
)

// A landscape in a container, and a call of one of its senders.
func ExampleRun() {
	ctx := context.Background()
	tenant, err := container.Run(ctx, "gatehouse:dev", container.WithLandscapeFile("testdata/landscape.yaml"))
	defer func() {
		if err := testcontainers.TerminateContainer(tenant); err != nil {
			log.Print(err)
		}
	}()
	if err != nil {
		log.Print(err)
		return
	}

	warehouse, err := tenant.Client(ctx, "warehouse")
	if err != nil {
		log.Print(err)
		return
	}
	response, err := warehouse.Get("https://tenant.example/http/orders")
	if err != nil {
		log.Print(err)
		return
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
	lines, err := tenant.AccessLog(ctx)
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Print(lines)
}
