package main

import (
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/cwriter"
	"github.com/vbauerster/mpb/v8/decor"
)

// patience is how long work may take before a bar shows how far it is.
const patience = time.Second

// progress shows how far a piece of work is, on a terminal and only if it takes its time. It is
// used by one goroutine at a time.
type progress struct {
	out     io.Writer // nil: nothing is shown
	word    string
	now     func() time.Time
	began   time.Time
	options []mpb.ContainerOption
	all     *mpb.Progress // nil: not yet
	bar     *mpb.Bar
}

// newProgress begins to measure. word says what is done.
func newProgress(cmd *cobra.Command, output format, word string) *progress {
	p := &progress{word: word, now: time.Now, began: time.Now()}
	if stderr := cmd.ErrOrStderr(); output == textFormat && stderr == io.Writer(os.Stderr) && cwriter.New(os.Stderr).IsTerminal() {
		p.out = stderr
	}
	return p
}

// update says how much is done.
func (p *progress) update(done, total int) {
	if p.out == nil || total == 0 {
		return
	}
	if p.all == nil {
		if p.now().Sub(p.began) < patience {
			return
		}
		p.all = mpb.New(append(p.options, mpb.WithOutput(p.out), mpb.WithWidth(60))...)
		p.bar = p.all.AddBar(int64(total), mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Name(p.word+" ")), mpb.AppendDecorators(decor.CountersNoUnit(" %d / %d")))
	}
	p.bar.SetCurrent(int64(min(done, total-1))) // the last step is end
}

// end takes the bar away again.
func (p *progress) end() {
	if p.all == nil {
		return
	}
	p.bar.Abort(true)
	p.all.Wait()
	p.all, p.out = nil, nil
}
