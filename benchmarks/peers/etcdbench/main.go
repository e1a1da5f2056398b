// etcdbench starts an etcd cluster on loopback, as its defaults have it, and loads it through etcd's own client.
//
//	etcdbench -nodes 3 -dir DIR -clients 1,16,64 -secs 2 -rounds 1    a line of JSON for each number of puts in flight and each round
//	etcdbench -nodes 3 -dir DIR -clients 16 -conns 1                  the same over one connection, where 16 are the most otherwise
//	etcdbench -nodes 3 -dir DIR -failover 3                           a line for each kill -9 of the leader: ms to the next accepted put
//
// Needs `etcd` on the PATH. DIR is emptied first and lies on the disk that counts.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/etcd/clientv3"
	"google.golang.org/grpc"
)

const (
	valueBytes = 128
	keys       = 100000
	warmUp     = time.Second
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func report(line map[string]interface{}) {
	text, err := json.Marshal(line)
	must(err)
	fmt.Println(string(text))
}

func freeAddress() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	defer listener.Close()
	return "http://" + listener.Addr().String()
}

type member struct {
	name, client, peer, dir string
	process                 *exec.Cmd
}

type cluster struct{ members []*member }

// start runs the member; it ends with this process, whatever ends that.
func (m *member) start(all []*member, state string) {
	var initial []string
	for _, one := range all {
		initial = append(initial, one.name+"="+one.peer)
	}
	m.process = exec.Command("etcd", "--name", m.name, "--data-dir", m.dir, "--logger", "zap", "--log-level", "error",
		"--listen-client-urls", m.client, "--advertise-client-urls", m.client,
		"--listen-peer-urls", m.peer, "--initial-advertise-peer-urls", m.peer,
		"--initial-cluster", strings.Join(initial, ","), "--initial-cluster-state", state, "--quota-backend-bytes", "8589934592")
	m.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(m.process.Start())
}

func (m *member) kill() {
	m.process.Process.Kill()
	m.process.Wait()
}

func startCluster(count int, dir string) *cluster {
	must(os.RemoveAll(dir))
	must(os.MkdirAll(dir, 0700))
	c := &cluster{}
	for i := 0; i < count; i++ {
		name := fmt.Sprint("n", i+1)
		c.members = append(c.members, &member{name: name, client: freeAddress(), peer: freeAddress(), dir: filepath.Join(dir, name)})
	}
	for _, m := range c.members {
		m.start(c.members, "new")
	}
	return c
}

func (c *cluster) end() {
	for _, m := range c.members {
		m.kill()
	}
}

func dial(address string) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{Endpoints: []string{address}, DialTimeout: 3 * time.Second, DialOptions: []grpc.DialOption{grpc.WithBlock()}})
}

// leader waits until a member says that it leads.
func (c *cluster) leader() *member {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for _, m := range c.members {
			client, err := clientv3.New(clientv3.Config{Endpoints: []string{m.client}, DialTimeout: 300 * time.Millisecond})
			if err != nil {
				continue
			}
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			status, err := client.Status(ctx, m.client)
			cancel()
			client.Close()
			if err == nil && status.Leader != 0 && status.Leader == status.Header.MemberId {
				return m
			}
		}
	}
	must(fmt.Errorf("no leader was elected"))
	return nil
}

// put loads the leader with so many puts in flight for so long; all latencies in milliseconds, sorted, and the seconds that it took.
func put(clients []*clientv3.Client, inFlight int, d time.Duration) ([]float64, float64) {
	value := strings.Repeat("v", valueBytes)
	latencies := make([][]float64, inFlight)
	began := time.Now()
	end := began.Add(d)
	var all sync.WaitGroup
	for g := 0; g < inFlight; g++ {
		all.Add(1)
		go func(g int) {
			defer all.Done()
			client := clients[g%len(clients)]
			for n := g; time.Now().Before(end); n += inFlight {
				s := time.Now()
				if _, err := client.Put(context.Background(), fmt.Sprintf("k%06d", n*7919%keys), value); err == nil {
					latencies[g] = append(latencies[g], float64(time.Since(s))/1e6)
				}
			}
		}(g)
	}
	all.Wait()
	took := time.Since(began).Seconds()
	var merged []float64
	for _, one := range latencies {
		merged = append(merged, one...)
	}
	sort.Float64s(merged)
	return merged, took
}

func at(sorted []float64, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(float64(len(sorted)-1)*share)]
}

func measurePuts(c *cluster, counts string, connections int, secs float64, rounds int) {
	leader := c.leader()
	for _, text := range strings.Split(counts, ",") {
		inFlight, err := strconv.Atoi(text)
		must(err)
		var clients []*clientv3.Client
		for i := 0; i < inFlight && i < connections; i++ {
			client, err := dial(leader.client)
			must(err)
			clients = append(clients, client)
		}
		put(clients, inFlight, warmUp)
		for r := 0; r < rounds; r++ {
			sorted, took := put(clients, inFlight, time.Duration(secs*float64(time.Second)))
			report(map[string]interface{}{"what": "etcd put", "nodes": len(c.members), "clients": inFlight, "conns": len(clients),
				"per_s": float64(len(sorted)) / took, "p50_ms": at(sorted, 0.5), "p99_ms": at(sorted, 0.99), "p999_ms": at(sorted, 0.999)})
		}
		for _, client := range clients {
			client.Close()
		}
	}
}

// measureFailover kills the leader again and again; every survivor is asked all the while, each put for a short time only.
func measureFailover(c *cluster, times int) {
	for n := 0; n < times; n++ {
		c.leader()
		time.Sleep(1500*time.Millisecond + time.Duration(rand.Intn(100))*time.Millisecond)
		leader := c.leader()
		var clients []*clientv3.Client
		for _, m := range c.members {
			if m != leader {
				client, err := dial(m.client)
				must(err)
				clients = append(clients, client)
			}
		}
		_, err := clients[0].Put(context.Background(), "before", "")
		must(err)
		began := time.Now()
		leader.kill()
		accepted := make(chan time.Duration, len(clients))
		ctx, cancel := context.WithCancel(context.Background())
		for _, client := range clients {
			go func(client *clientv3.Client) {
				for ctx.Err() == nil {
					short, done := context.WithTimeout(ctx, 50*time.Millisecond)
					_, err := client.Put(short, "after", strings.Repeat("v", valueBytes))
					done()
					if err == nil {
						accepted <- time.Since(began)
						return
					}
					time.Sleep(2 * time.Millisecond)
				}
			}(client)
		}
		report(map[string]interface{}{"what": "etcd failover", "nodes": len(c.members), "ms": float64(<-accepted) / 1e6})
		cancel()
		for _, client := range clients {
			client.Close()
		}
		leader.start(c.members, "existing")
	}
}

func main() {
	nodes := flag.Int("nodes", 3, "members")
	dir := flag.String("dir", filepath.Join(os.TempDir(), "etcd-data"), "data folder, emptied first")
	clients := flag.String("clients", "1,16,64,256,1000", "puts in flight")
	connections := flag.Int("conns", 16, "connections, at most as many as puts in flight")
	secs := flag.Float64("secs", 3, "seconds for each")
	rounds := flag.Int("rounds", 1, "rounds for each")
	failover := flag.Int("failover", 0, "leader kills to time, instead of puts")
	flag.Parse()
	// That a child ends with its parent is tied to the thread that started it.
	runtime.LockOSThread()
	c := startCluster(*nodes, *dir)
	defer c.end()
	if *failover > 0 {
		measureFailover(c, *failover)
	} else {
		measurePuts(c, *clients, *connections, *secs, *rounds)
	}
}
