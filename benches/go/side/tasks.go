package main

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// each is nanoseconds for one of so many.
func each(begun time.Time, count int) []float64 {
	return []float64{float64(time.Since(begun).Nanoseconds()) / float64(count)}
}

func yield(scale Scale) Round {
	tasks := 2 * scale.workers
	yields := scale.pick(2_000_000, 200_000) / tasks
	return func() []float64 {
		begun := time.Now()
		var all sync.WaitGroup
		for range tasks {
			all.Go(func() {
				for range yields {
					runtime.Gosched()
				}
			})
		}
		all.Wait()
		return each(begun, tasks*yields)
	}
}

func spawnJoin(scale Scale) Round {
	tasks := scale.pick(500_000, 50_000)
	return func() []float64 {
		begun := time.Now()
		sum := 0
		var task sync.WaitGroup
		for number := range tasks {
			task.Go(func() { sum += number })
			task.Wait()
		}
		check("the sum", uint64(sum), uint64(tasks*(tasks-1)/2))
		return each(begun, tasks)
	}
}

func forkJoin(scale Scale) Round {
	repetitions := scale.pick(100, 10)
	var fib func(n int) uint64
	fib = func(n int) uint64 {
		if n < 2 {
			return uint64(n)
		}
		other := make(chan uint64, 1)
		go func() { other <- fib(n - 2) }()
		return fib(n-1) + <-other
	}
	return func() []float64 {
		begun := time.Now()
		sum := uint64(0)
		for range repetitions {
			sum += fib(25)
		}
		check("the sum of all results", sum, 75_025*uint64(repetitions))
		return []float64{each(begun, repetitions)[0] / 1e6}
	}
}

// resident is VmRSS and VmPTE in bytes.
func resident() float64 {
	status, err := os.ReadFile("/proc/self/status")
	must(err)
	sum := 0.0
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); fields[0] == "VmRSS:" || fields[0] == "VmPTE:" {
			kilobytes, err := strconv.ParseFloat(fields[1], 64)
			must(err)
			sum += kilobytes * 1024
		}
	}
	return sum
}

func parked(scale Scale) Round {
	tasks := scale.pick(1_000_000, 50_000)
	return func() []float64 {
		before, begun := resident(), time.Now()
		var arrived atomic.Int64
		var left sync.WaitGroup
		released := make(chan struct{})
		for range tasks {
			left.Go(func() {
				arrived.Add(1)
				<-released
			})
		}
		for arrived.Load() < int64(tasks) {
			runtime.Gosched()
		}
		took, grown := time.Since(begun), resident()-before
		close(released)
		left.Wait()
		return []float64{grown / float64(tasks), float64(took.Microseconds()) / 1e3}
	}
}

func skynet(scale Scale) Round {
	leaves := scale.pick(1_000_000, 100_000)
	var sum func(result chan<- int, first, leaves int)
	sum = func(result chan<- int, first, leaves int) {
		if leaves == 1 {
			result <- first
			return
		}
		children, total := make(chan int), 0
		for index := range 10 {
			go sum(children, first+index*(leaves/10), leaves/10)
		}
		for range 10 {
			total += <-children
		}
		result <- total
	}
	return func() []float64 {
		begun := time.Now()
		result := make(chan int)
		go sum(result, 0, leaves)
		check("the sum of the leaves", uint64(<-result), uint64(leaves*(leaves-1)/2))
		return []float64{each(begun, 1)[0] / 1e6}
	}
}

func pingPong(scale Scale) Round {
	trips := scale.pick(200_000, 20_000)
	return func() []float64 {
		begun := time.Now()
		var players sync.WaitGroup
		turns := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
		players.Go(func() {
			for range trips {
				turns[0] <- struct{}{}
				<-turns[1]
			}
		})
		players.Go(func() {
			for range trips {
				<-turns[0]
				turns[1] <- struct{}{}
			}
		})
		players.Wait()
		return each(begun, trips)
	}
}

func spawnManyLocal(scale Scale) Round {
	runs := scale.pick(20, 1)
	return func() []float64 {
		begun := time.Now()
		done := make(chan struct{}, 1)
		for range runs {
			var left atomic.Int64
			left.Store(10_000)
			for range 10_000 {
				go func() {
					if left.Add(-1) == 0 {
						done <- struct{}{}
					}
				}()
			}
			<-done
		}
		return []float64{each(begun, runs)[0] / 1e3}
	}
}

// spawnManyRemoteIdle starts goroutines from a goroutine, since Go has no outside.
func spawnManyRemoteIdle(scale Scale) Round {
	runs := scale.pick(10, 1)
	return func() []float64 {
		begun := time.Now()
		for range runs {
			var tasks sync.WaitGroup
			for range 10_000 {
				tasks.Go(func() {})
			}
			tasks.Wait()
		}
		return []float64{each(begun, runs)[0] / 1e3}
	}
}

func yieldMany(scale Scale) Round {
	yields := scale.pick(1_000, 100)
	return func() []float64 {
		begun := time.Now()
		done := make(chan int, 200)
		for range 200 {
			go func() {
				for range yields {
					runtime.Gosched()
				}
				done <- yields
			}()
		}
		for range 200 {
			<-done
		}
		return []float64{each(begun, 1)[0] / 1e3}
	}
}

func pingPongMany(scale Scale) Round {
	runs := scale.pick(50, 2)
	return func() []float64 {
		begun := time.Now()
		done := make(chan struct{}, 1)
		for range runs {
			var left atomic.Int64
			left.Store(1_000)
			for range 1_000 {
				go func() {
					ping, pong := make(chan struct{}, 1), make(chan struct{}, 1)
					go func() {
						<-ping
						pong <- struct{}{}
					}()
					ping <- struct{}{}
					<-pong
					if left.Add(-1) == 0 {
						done <- struct{}{}
					}
				}()
			}
			<-done
		}
		return []float64{each(begun, runs)[0] / 1e3}
	}
}

func chainedSpawn(scale Scale) Round {
	chains := scale.pick(200, 10)
	done := make(chan struct{}, 1)
	var link func(left int)
	link = func(left int) {
		if left == 0 {
			done <- struct{}{}
		} else {
			go link(left - 1)
		}
	}
	return func() []float64 {
		begun := time.Now()
		for range chains {
			go link(1_000)
			<-done
		}
		return []float64{each(begun, chains)[0] / 1e3}
	}
}
