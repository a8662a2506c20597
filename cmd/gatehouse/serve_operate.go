package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/loadbalancer"
	"example.com/gatehouse/simulator/metrics"
)

// operation is what serves the one who operates a landscape: metrics, health, and the reload of a
// changed document.
type operation struct {
	tell    *teller
	metrics *metrics.Metrics // nil without --metrics
	server  *http.Server
	at      net.Addr

	tasks sync.WaitGroup
	stop  context.CancelFunc

	mu     sync.Mutex // guards sim; reload holds it as long as it lasts
	sim    *simulator.Simulator
	reload func(context.Context) error
}

// metricsTimeout is how long a request for metrics may take to come and to be answered; a reload,
// which mints certificates, takes longest.
const metricsTimeout = time.Minute

// operate begins to serve metrics, if that is asked for, before the landscape runs: it is healthy
// then, and not yet ready.
func (o serveOptions) operate(ctx context.Context, tell *teller) (*operation, error) {
	p := &operation{tell: tell, stop: func() {}}
	if o.metrics == "" {
		return p, nil
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", o.metrics)
	if err != nil {
		return nil, unreachable("--metrics: %w: choose another address, or port 0 for a free one", err)
	}
	p.at = listener.Addr()
	p.metrics = metrics.New(readBuild().Version, p.now)
	reload := p.reloadOnce
	if !loopback(o.metrics) {
		reload = nil // looking is for others too, changing is not
	}
	p.server = &http.Server{
		Handler:           p.metrics.Handler(reload),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: metricsTimeout, WriteTimeout: metricsTimeout, IdleTimeout: metricsTimeout,
		MaxHeaderBytes: 16 << 10,
	}
	p.tasks.Go(func() {
		if err := p.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			tell.faults.Error("metrics are served no longer", "error", err)
		}
	})
	return p, nil
}

// now is the landscape's clock once it runs.
func (p *operation) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sim == nil {
		return time.Now()
	}
	return p.sim.Clock().Now()
}

func (p *operation) observer() loadbalancer.Observer {
	if p.metrics == nil {
		return loadbalancer.Observer{}
	}
	return p.metrics.Observer()
}

// address is that of the metrics; empty without.
func (p *operation) address() string {
	if p.at == nil {
		return ""
	}
	return p.at.String()
}

// watch looks after the landscape that runs now: from here on it is ready, and SIGHUP reloads it.
// That signal does not exist on Windows.
func (p *operation) watch(ctx context.Context, sim *simulator.Simulator, keys keyFolder, o serveOptions) {
	var reloading sync.Mutex
	p.mu.Lock()
	p.sim = sim
	p.reload = func(ctx context.Context) error {
		reloading.Lock()
		defer reloading.Unlock()
		return o.reload(ctx, sim, keys, p.tell)
	}
	p.mu.Unlock()
	if p.metrics != nil {
		p.metrics.Watch(sim)
	}
	ctx, p.stop = context.WithCancel(ctx)
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	p.tasks.Go(func() {
		defer signal.Stop(hangup)
		for {
			select {
			case <-hangup:
				_ = p.reloadOnce(ctx) // has been told
			case <-ctx.Done():
				return
			}
		}
	})
}

// reloadOnce reloads the document and tells of it.
func (p *operation) reloadOnce(ctx context.Context) error {
	p.mu.Lock()
	reload := p.reload
	p.mu.Unlock()
	if reload == nil {
		return errors.New("the landscape has not started yet")
	}
	err := reload(ctx)
	if p.metrics != nil {
		p.metrics.Reloaded(err)
	}
	return err
}

// reload reads the document again, and says what became of it.
func (o serveOptions) reload(ctx context.Context, sim *simulator.Simulator, keys keyFolder, tell *teller) error {
	l, err := o.read()
	var result simulator.Reloaded
	if err == nil {
		result, err = sim.Reload(ctx, l)
	}
	if err != nil {
		tell.notReloaded(o.file, err)
		return err
	}
	if err := keys.write(sim, l); err != nil {
		tell.faults.Error("the keys of the senders could not be written", "folder", keys.dir, "error", err)
	}
	tell.reloaded(o.file, result)
	return nil
}

// ending says that the landscape is not ready any more.
func (p *operation) ending() {
	if p.metrics != nil {
		p.metrics.Ending()
	}
}

// close ends what serves the operator; a request that is under way is answered.
func (p *operation) close() {
	p.stop()
	if p.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := p.server.Shutdown(ctx); err != nil {
			_ = p.server.Close()
		}
	}
	p.tasks.Wait()
}

// list names things, the first dozen of many.
func listed(names []string) string {
	if len(names) > 12 {
		return strings.Join(names[:12], ", ") + " and more"
	}
	return strings.Join(names, ", ")
}
