package main

import (
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// compute is a chain of dependent operations.
func compute(state uint64, steps int) uint64 {
	for range steps {
		state = (state ^ (state >> 29)) * 0x9E37_79B9_7F4A_7C15
	}
	return state
}

// spreading measures fan-outs beside serial runs of the same computations.
func spreading(scale Scale, repetitions, tasks int, task func(int) uint64) Round {
	workers := min(scale.workers, runtime.NumCPU())
	return func() []float64 {
		fastest, spread := time.Duration(1<<62), time.Duration(0)
		for range repetitions {
			begun, expected := time.Now(), uint64(0)
			for number := range tasks {
				expected += task(number)
			}
			fastest = min(fastest, time.Since(begun))
			begun = time.Now()
			results := make([]uint64, tasks)
			var all sync.WaitGroup
			for number := range tasks {
				all.Go(func() { results[number] = task(number) })
			}
			all.Wait()
			spread += time.Since(begun)
			sum := uint64(0)
			for _, result := range results {
				sum += result
			}
			check("the sum", sum, expected)
		}
		ideal := fastest.Seconds() / float64(workers)
		return []float64{spread.Seconds() / float64(repetitions) / ideal}
	}
}

func fanOut(scale Scale) Round {
	return spreading(scale, scale.pick(10, 1), 1000, func(task int) uint64 { return compute(uint64(task)+1, 12_000) })
}

func uneven(scale Scale) Round {
	return spreading(scale, scale.pick(20, 2), 400, func(task int) uint64 {
		scrambled := bits.RotateLeft64((uint64(task)+1)*0x9E37_79B9_7F4A_7C15, 31) * 0xBF58_476D_1CE4_E5B9
		return compute(uint64(task)+1, 1_200<<min(bits.LeadingZeros64(scrambled), 8))
	})
}

// percentiles of times in nanoseconds, in microseconds.
func percentiles(times []int64, parts ...float64) []float64 {
	slices.Sort(times)
	var figures []float64
	for _, part := range parts {
		figures = append(figures, float64(times[int(float64(len(times)-1)*part+0.5)])/1e3)
	}
	return figures
}

func sleepers(scale Scale) Round {
	count := scale.pick(1_000_000, 50_000)
	apart := time.Duration(scale.pick(2_000, 100)) * time.Millisecond / time.Duration(count)
	nap := time.Duration(scale.pick(1_000, 200)) * time.Millisecond
	return func() []float64 {
		var first, arrived atomic.Int64
		var all sync.WaitGroup
		begun, late := time.Now(), make([]int64, count)
		for number := range count {
			all.Go(func() {
				arrived.Add(1)
				for first.Load() == 0 {
					time.Sleep(nap)
				}
				moment := time.Duration(first.Load()) + time.Duration(number*7919%count)*apart
				time.Sleep(moment - time.Since(begun))
				late[number] = int64(max(time.Since(begun)-moment, 0))
			})
		}
		for arrived.Load() < int64(count) {
			time.Sleep(nap / 100)
		}
		first.Store(int64(time.Since(begun) + nap*3/2))
		before := cpuSeconds()
		all.Wait()
		spent := cpuSeconds() - before
		return append(percentiles(late, 0.5, 0.99), spent*1e9/float64(count))
	}
}
