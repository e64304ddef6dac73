// The Go side of the workloads. The protocol is described in src/side_process.rs, each workload in its Rust file.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Scale is how large a workload is to be.
type Scale struct {
	workers int
	quick   bool
}

// pick returns the first in a full run, the second in a quick one.
func (s Scale) pick(full, quick int) int {
	if s.quick {
		return quick
	}
	return full
}

// Round does the work once and returns one figure for each quantity of the workload.
type Round func() []float64

// workloads maps names to setups. What a setup does is not timed.
var workloads = map[string]func(Scale) Round{
	"yield":                  yield,
	"spawn-join":             spawnJoin,
	"fork-join":              forkJoin,
	"parked":                 parked,
	"skynet":                 skynet,
	"ping-pong":              pingPong,
	"fan-out":                fanOut,
	"uneven":                 uneven,
	"burst":                  burst,
	"sleepers":               sleepers,
	"spawn-many-local":       spawnManyLocal,
	"spawn-many-remote-idle": spawnManyRemoteIdle,
	"yield-many":             yieldMany,
	"ping-pong-many":         pingPongMany,
	"chained-spawn":          chainedSpawn,
	"savina-ping-pong":       savinaPingPong,
	"savina-counting":        savinaCounting,
	"savina-fork-create":     savinaForkCreate,
	"savina-fork-throughput": savinaForkThroughput,
	"savina-thread-ring":     savinaThreadRing,
	"savina-chameneos":       savinaChameneos,
	"savina-big":             savinaBig,
	"savina-bounded-buffer":  savinaBoundedBuffer,
	"savina-philosophers":    savinaPhilosophers,
	"http":                   httpKeepAlive,
	"http-churn":             httpChurn,
	"http-idle":              httpIdle,
}

func main() {
	if len(os.Args) != 4 {
		fail("usage: side WORKLOAD WORKERS quick|full")
	}
	workers, err := strconv.Atoi(os.Args[2])
	setup := workloads[os.Args[1]]
	if err != nil || setup == nil {
		fail("no such workload")
	}
	round := setup(Scale{workers, os.Args[3] == "quick"})
	fmt.Println("@side ready")
	for orders := bufio.NewScanner(os.Stdin); orders.Scan() && orders.Text() == "round"; {
		before := cpuSeconds()
		figures := round()
		numbers := []string{fmt.Sprint((cpuSeconds() - before) * 1e3)}
		for _, figure := range figures {
			numbers = append(numbers, strconv.FormatFloat(figure, 'f', -1, 64))
		}
		fmt.Println("@side figures", strings.Join(numbers, " "))
	}
}

// fail sends the reason and ends the process.
func fail(why string) {
	fmt.Println("@side failed", why)
	os.Exit(1)
}

// check fails unless a result is the expected one.
func check(what string, found, expected uint64) {
	if found != expected {
		fail(fmt.Sprintf("wrong result: %s is %d, not %d", what, found, expected))
	}
}

// must fails if there is an error.
func must(err error) {
	if err != nil {
		fail(err.Error())
	}
}

// cpuSeconds is the user and system time of this process so far.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}
