// eraft drives three RawNodes of etcd/raft in one thread, with memory for disk and network: no machine, no promise, no result.
//
//	eraft -batch 64 -secs 2          entries of 128 bytes, so many in each message that proposes: many calls of Propose would send them one by one
//	eraft -batch 64 -secs 2 -codec   the same with every message marshalled and unmarshalled on its way
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"go.etcd.io/etcd/raft"
	pb "go.etcd.io/etcd/raft/raftpb"
)

const (
	entryBytes   = 128
	keepEntries  = 4096
	compactEvery = 1 << 16
	warmUp       = 500 * time.Millisecond
)

var codec = flag.Bool("codec", false, "marshal and unmarshal every message")

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type node struct {
	*raft.RawNode
	store   *raft.MemoryStorage
	inbox   []pb.Message
	applied uint64
	entries int
}

func newNodes(ids []uint64) []*node {
	quiet := &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)}
	raft.SetLogger(quiet)
	var nodes []*node
	for _, id := range ids {
		store := raft.NewMemoryStorage()
		must(store.ApplySnapshot(pb.Snapshot{Metadata: pb.SnapshotMetadata{Index: 1, Term: 1, ConfState: pb.ConfState{Voters: ids}}}))
		raw, err := raft.NewRawNode(&raft.Config{ID: id, ElectionTick: 10, HeartbeatTick: 1, Storage: store, Applied: 1,
			MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 4096, Logger: quiet})
		must(err)
		nodes = append(nodes, &node{RawNode: raw, store: store})
	}
	return nodes
}

func throughBytes(message pb.Message) pb.Message {
	bytes, err := message.Marshal()
	must(err)
	var read pb.Message
	must(read.Unmarshal(bytes))
	return read
}

// work lets one node take in its messages and do what it asks for; false where there was nothing.
func (n *node) work(nodes []*node) bool {
	inbox := n.inbox
	n.inbox = nil
	for _, message := range inbox {
		// An error only says that the message was of no use.
		_ = n.Step(message)
	}
	if !n.HasReady() {
		return len(inbox) > 0
	}
	ready := n.Ready()
	must(n.store.Append(ready.Entries))
	if !raft.IsEmptyHardState(ready.HardState) {
		must(n.store.SetHardState(ready.HardState))
	}
	for _, message := range ready.Messages {
		if *codec {
			message = throughBytes(message)
		}
		to := nodes[message.To-1]
		to.inbox = append(to.inbox, message)
	}
	for i := range ready.CommittedEntries {
		n.applied = ready.CommittedEntries[i].Index
		if len(ready.CommittedEntries[i].Data) > 0 {
			n.entries++
		}
	}
	n.Advance(ready)
	if first, _ := n.store.FirstIndex(); n.applied > first+compactEvery {
		must(n.store.Compact(n.applied - keepEntries))
	}
	return true
}

func settle(nodes []*node) {
	for busy := true; busy; {
		busy = false
		for _, n := range nodes {
			busy = n.work(nodes) || busy
		}
	}
}

func main() {
	batch := flag.Int("batch", 64, "entries proposed at a time")
	secs := flag.Float64("secs", 2, "seconds")
	flag.Parse()
	nodes := newNodes([]uint64{1, 2, 3})
	must(nodes[0].Campaign())
	settle(nodes)
	data := make([]byte, entryBytes)
	propose := func() {
		entries := make([]pb.Entry, *batch)
		for i := range entries {
			entries[i].Data = data
		}
		must(nodes[0].Step(pb.Message{Type: pb.MsgProp, From: 1, Entries: entries}))
	}
	run := func(d time.Duration) float64 {
		began, before := time.Now(), nodes[0].entries
		for end := began.Add(d); time.Now().Before(end); {
			propose()
			settle(nodes)
		}
		return float64(nodes[0].entries-before) / time.Since(began).Seconds()
	}
	run(warmUp)
	perSecond := run(time.Duration(*secs * float64(time.Second)))
	if nodes[1].entries != nodes[0].entries || nodes[2].entries != nodes[0].entries {
		must(fmt.Errorf("a follower has applied other entries than the leader"))
	}
	text, err := json.Marshal(map[string]interface{}{"what": "etcd/raft in memory", "batch": *batch, "codec": *codec, "per_s": perSecond})
	must(err)
	fmt.Println(string(text))
}
