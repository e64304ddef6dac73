package main

import (
	"sync"
	"sync/atomic"
	"time"
)

func init() {
	workloads["channel-latency-0"] = channelLatency(0)
	workloads["channel-latency-1"] = channelLatency(1)
	workloads["ring"] = ring
	workloads["wake-to-run"] = wakeToRun
	workloads["timeout-churn"] = timeoutChurn
	workloads["parked-receivers"] = parkedReceivers
}

// nanoseconds is percentiles, which are in us, in ns.
func nanoseconds(times []int64, parts ...float64) []float64 {
	figures := percentiles(times, parts...)
	for index := range figures {
		figures[index] *= 1e3
	}
	return figures
}

// channelLatency is a message there and back over channels of this capacity.
func channelLatency(capacity int) func(Scale) Round {
	play := func(trips int, after func()) time.Duration {
		there, back := make(chan uint64, capacity), make(chan uint64, capacity)
		go func() {
			for message := range there {
				back <- message
			}
		}()
		begun := time.Now()
		for trip := range trips {
			there <- uint64(trip)
			check("what came back", <-back, uint64(trip))
			after()
		}
		close(there)
		return time.Since(begun)
	}
	return func(scale Scale) Round {
		pace := paceOf(scale)
		return func() []float64 {
			trips, took := pace.round(func(trips int) time.Duration { return play(trips, func() {}) })
			times := make([]int64, 0, min(trips, 200_000))
			last := time.Now()
			play(cap(times), func() {
				now := time.Now()
				times = append(times, now.Sub(last).Nanoseconds())
				last = now
			})
			mean := float64(took.Nanoseconds()) / float64(trips)
			return append([]float64{mean}, nanoseconds(times, 0.5, 0.999)...)
		}
	}
}

// ring is a token that goes round 503 goroutines.
func ring(scale Scale) Round {
	const size = 503
	turn := func(hops int) time.Duration {
		var c [size]chan uint64
		for number := range c {
			c[number] = make(chan uint64)
		}
		ended := make(chan struct{})
		var seen atomic.Uint64
		var tasks sync.WaitGroup
		for number := range c {
			next := c[(number+1)%size]
			tasks.Go(func() {
				own := uint64(0)
				for token := range c[number] {
					if token == 0 {
						close(ended)
						continue
					}
					own++
					next <- token - 1
				}
				seen.Add(own)
			})
		}
		begun := time.Now()
		c[0] <- uint64(hops)
		<-ended
		took := time.Since(begun)
		for number := range c {
			close(c[number])
		}
		tasks.Wait()
		check("the number of hops", seen.Load(), uint64(hops))
		return took
	}
	pace := paceOf(scale)
	return func() []float64 {
		hops, took := pace.round(turn)
		return []float64{float64(took.Nanoseconds()) / float64(hops)}
	}
}

// wakeToRun is the time from a send until the parked receiver runs.
func wakeToRun(scale Scale) Round {
	messages := scale.pick(1000, 50)
	return func() []float64 {
		c := make(chan time.Time, 1)
		result := make(chan []int64)
		go func() {
			var latencies []int64
			for sent := range c {
				latencies = append(latencies, time.Since(sent).Nanoseconds())
			}
			result <- latencies
		}()
		for range messages {
			time.Sleep(time.Millisecond)
			c <- time.Now()
		}
		close(c)
		latencies := <-result
		check("the number of messages", uint64(len(latencies)), uint64(messages))
		return nanoseconds(latencies, 0.5, 0.99, 0.999)
	}
}

// receiveWithin is Go's receive with a timeout: a select with a timer, which is used again and again.
func receiveWithin(c <-chan uint64, patience time.Duration, timer *time.Timer) (message uint64, ok bool) {
	timer.Reset(patience)
	select {
	case message, ok = <-c:
		return message, ok
	case <-timer.C:
		return 0, false
	}
}

// timeoutChurn is receives whose timeout never fires, and receives whose timeout always does.
func timeoutChurn(scale Scale) Round {
	const never, always = 30 * time.Second, time.Millisecond
	const waiters = 100
	repetitions := scale.pick(200, 10)
	unfired := func(trips int) time.Duration {
		there, back := make(chan uint64, 1), make(chan uint64, 1)
		var partner sync.WaitGroup
		partner.Go(func() {
			timer := time.NewTimer(never)
			defer timer.Stop()
			for {
				message, ok := receiveWithin(there, never, timer)
				if !ok {
					return
				}
				back <- message
			}
		})
		timer := time.NewTimer(never)
		defer timer.Stop()
		begun := time.Now()
		for trip := range trips {
			there <- uint64(trip)
			message, ok := receiveWithin(back, never, timer)
			if !ok {
				fail("a timeout of 30 s fired")
			}
			check("what came back", message, uint64(trip))
		}
		took := time.Since(begun)
		close(there)
		partner.Wait()
		return took
	}
	fired := func() (wall, cpu float64) {
		idle := make(chan uint64)
		var messages atomic.Uint64
		var all sync.WaitGroup
		cpuBefore, begun := cpuSeconds(), time.Now()
		for range waiters {
			all.Go(func() {
				timer := time.NewTimer(always)
				for range repetitions {
					if _, ok := receiveWithin(idle, always, timer); ok {
						messages.Add(1)
					}
				}
			})
		}
		all.Wait()
		wall, cpu = time.Since(begun).Seconds(), cpuSeconds()-cpuBefore
		check("the number of messages out of nothing", messages.Load(), 0)
		return wall, cpu
	}
	pace := paceOf(scale)
	return func() []float64 {
		trips, took := pace.round(unfired)
		wall, cpu := fired()
		return []float64{
			float64(took.Nanoseconds()) / float64(trips),
			cpu * 1e9 / float64(waiters*repetitions),
			(wall/float64(repetitions) - always.Seconds()) * 1e6,
		}
	}
}

// parkedReceivers is the memory of goroutines that wait for a message on one channel.
func parkedReceivers(scale Scale) Round {
	tasks := scale.pick(1_000_000, 50_000)
	return func() []float64 {
		c := make(chan uint64, 1)
		var arrived, left atomic.Int64
		before := resident()
		for range tasks {
			go func() {
				arrived.Add(1)
				if _, ok := <-c; !ok {
					left.Add(1)
				}
			}()
		}
		for arrived.Load() < int64(tasks) {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(50 * time.Millisecond)
		grown := resident() - before
		close(c)
		for left.Load() < int64(tasks) {
			time.Sleep(time.Millisecond)
		}
		return []float64{grown / float64(tasks)}
	}
}
