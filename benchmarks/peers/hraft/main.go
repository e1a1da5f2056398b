// hraft loads three hashicorp/raft members in one process, with their own in-memory transport and store.
//
//	hraft -inflight 256 -secs 2     single calls of Apply, so many in flight, entries of 128 bytes
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

const (
	entryBytes = 128
	warmUp     = 500 * time.Millisecond
	patience   = 30 * time.Second
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// counter is the machine: it counts what it applies.
type counter struct{ entries int }

func (c *counter) Apply(*raft.Log) interface{}          { c.entries++; return nil }
func (c *counter) Snapshot() (raft.FSMSnapshot, error)  { return c, nil }
func (c *counter) Restore(contents io.ReadCloser) error { return contents.Close() }
func (c *counter) Persist(sink raft.SnapshotSink) error { return sink.Close() }
func (c *counter) Release()                             {}

func startNodes(count int) []*raft.Raft {
	var configuration raft.Configuration
	var transports []*raft.InmemTransport
	for i := 0; i < count; i++ {
		address, transport := raft.NewInmemTransport("")
		transports = append(transports, transport)
		configuration.Servers = append(configuration.Servers, raft.Server{ID: raft.ServerID(fmt.Sprint("n", i+1)), Address: address})
	}
	for _, a := range transports {
		for _, b := range transports {
			if a != b {
				a.Connect(b.LocalAddr(), b)
			}
		}
	}
	var nodes []*raft.Raft
	for i, server := range configuration.Servers {
		config := raft.DefaultConfig()
		config.LocalID, config.LogLevel, config.LogOutput = server.ID, "ERROR", io.Discard
		store, snapshots := raft.NewInmemStore(), raft.NewDiscardSnapshotStore()
		must(raft.BootstrapCluster(config, store, store, snapshots, transports[i], configuration))
		node, err := raft.NewRaft(config, &counter{}, store, store, snapshots, transports[i])
		must(err)
		nodes = append(nodes, node)
	}
	return nodes
}

func leaderOf(nodes []*raft.Raft) *raft.Raft {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for _, node := range nodes {
			if node.State() == raft.Leader {
				return node
			}
		}
	}
	must(fmt.Errorf("no leader was elected"))
	return nil
}

// apply keeps so many calls in flight for so long; how many came back in a second.
func apply(leader *raft.Raft, inFlight int, d time.Duration) float64 {
	data := make([]byte, entryBytes)
	counts := make([]int, inFlight)
	began := time.Now()
	end := began.Add(d)
	var all sync.WaitGroup
	for g := 0; g < inFlight; g++ {
		all.Add(1)
		go func(g int) {
			defer all.Done()
			for time.Now().Before(end) {
				must(leader.Apply(data, patience).Error())
				counts[g]++
			}
		}(g)
	}
	all.Wait()
	total := 0
	for _, count := range counts {
		total += count
	}
	return float64(total) / time.Since(began).Seconds()
}

func main() {
	inFlight := flag.Int("inflight", 256, "calls in flight")
	secs := flag.Float64("secs", 2, "seconds")
	flag.Parse()
	leader := leaderOf(startNodes(3))
	apply(leader, *inFlight, warmUp)
	perSecond := apply(leader, *inFlight, time.Duration(*secs*float64(time.Second)))
	text, err := json.Marshal(map[string]interface{}{"what": "hashicorp/raft in memory", "inflight": *inFlight, "per_s": perSecond})
	must(err)
	fmt.Println(string(text))
}
