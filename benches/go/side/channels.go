package main

import (
	"strconv"
	"time"
)

// channelTasks is how many goroutines there are on each side that has several.
const channelTasks = 4

// shapes are the rows of crossbeam-channel's suite: how so many messages go through channels of this capacity. Each returns their sum.
var shapes = map[string]func(capacity, messages int) uint64{
	"seq": func(capacity, messages int) uint64 {
		c := make(chan uint64, capacity)
		send(c, 0, messages)
		return receive(c, messages)
	},
	"spsc": func(capacity, messages int) uint64 {
		c := make(chan uint64, capacity)
		go send(c, 0, messages)
		return receive(c, messages)
	},
	"mpsc": func(capacity, messages int) uint64 {
		c := make(chan uint64, capacity)
		shared(messages, func(_, from, to int) { send(c, from, to) })
		return receive(c, messages)
	},
	"mpmc": func(capacity, messages int) uint64 {
		c := make(chan uint64, capacity)
		shared(messages, func(_, from, to int) { send(c, from, to) })
		return together(func() uint64 { return receive(c, messages/channelTasks) })
	},
	"select-rx": func(capacity, messages int) uint64 {
		c := fourChannels(capacity)
		shared(messages, func(number, from, to int) { send(c[number], from, to) })
		return receiveAny(c, messages)
	},
	"select-both": func(capacity, messages int) uint64 {
		c := fourChannels(capacity)
		shared(messages, func(_, from, to int) { sendAny(c, from, to) })
		return together(func() uint64 { return receiveAny(c, messages/channelTasks) })
	},
}

func init() {
	for name, shape := range shapes {
		for _, capacity := range []int{0, 1, 128} {
			workloads["channels-"+name+"-"+strconv.Itoa(capacity)] = suiteRow(shape, func(int) int { return capacity })
		}
		workloads["channels-"+name+"-n"] = suiteRow(shape, func(messages int) int { return messages })
	}
}

// suiteRow is the workload of one shape, with a capacity that may depend on the number of messages.
func suiteRow(shape func(capacity, messages int) uint64, capacity func(messages int) int) func(Scale) Round {
	return func(scale Scale) Round {
		pace := paceOf(scale)
		return func() []float64 {
			messages, took := pace.round(func(messages int) time.Duration {
				begun := time.Now()
				sum := shape(capacity(messages), messages)
				took := time.Since(begun)
				check("the sum of all messages", sum, uint64(messages)*uint64(messages-1)/2)
				return took
			})
			return []float64{float64(messages) / took.Seconds() / 1e6}
		}
	}
}

// pace chooses how many operations a round has, as src/workloads/channels/pace.rs does.
type pace struct {
	operations, most int
	enough           time.Duration
	settled          bool
}

func paceOf(scale Scale) *pace {
	enough := time.Duration(scale.pick(150, 5)) * time.Millisecond
	return &pace{operations: scale.pick(20_000, 2_000), most: scale.pick(5_000_000, 200_000), enough: enough}
}

func (p *pace) round(run func(operations int) time.Duration) (int, time.Duration) {
	for {
		took := run(p.operations)
		if p.settled || took >= p.enough || p.operations == p.most {
			p.settled = true
			return p.operations, took
		}
		p.operations = min(4*p.operations, p.most)
	}
}

// shared has four goroutines each do a part of so many messages.
func shared(messages int, part func(number, from, to int)) {
	for number := range channelTasks {
		each := messages / channelTasks
		go part(number, number*each, (number+1)*each)
	}
}

// together is the sum of what four goroutines return.
func together(work func() uint64) uint64 {
	results := make(chan uint64)
	for range channelTasks {
		go func() { results <- work() }()
	}
	return receive(results, channelTasks)
}

func fourChannels(capacity int) (c [channelTasks]chan uint64) {
	for number := range c {
		c[number] = make(chan uint64, capacity)
	}
	return c
}

func send(c chan<- uint64, from, to int) {
	for message := from; message < to; message++ {
		c <- uint64(message)
	}
}

func sendAny(c [channelTasks]chan uint64, from, to int) {
	for message := from; message < to; message++ {
		select {
		case c[0] <- uint64(message):
		case c[1] <- uint64(message):
		case c[2] <- uint64(message):
		case c[3] <- uint64(message):
		}
	}
}

func receive(c <-chan uint64, messages int) (sum uint64) {
	for range messages {
		sum += <-c
	}
	return sum
}

func receiveAny(c [channelTasks]chan uint64, messages int) (sum uint64) {
	for range messages {
		var message uint64
		select {
		case message = <-c[0]:
		case message = <-c[1]:
		case message = <-c[2]:
		case message = <-c[3]:
		}
		sum += message
	}
	return sum
}
