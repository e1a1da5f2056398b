import type { Command } from '../command.js'
import { keyValueMachine } from '../machine/key-value.js'
import { loadMachine } from '../machine/load-machine.js'
import { createAnnouncer } from './announcer.js'
import { serveOptions } from './options.js'
import { serve } from './run.js'
import { watchSignals } from './signals.js'
import { createScreen } from '../screen.js'
import { TRUST_HELP } from '../trust.js'

const HELP = `rxraft serve --cluster NAME --id ID --members ID=HOST:PORT,… --data FOLDER [options]

Runs one member of a cluster until SIGTERM or SIGINT, on which it answers what it has taken, hands its leadership over, and ends. A second signal
ends it at once, which loses nothing that was acknowledged. A line tells when it is up, and each change of leadership and whatever deserves a look.
Where npx began it, it stops as well when that has ended; as a service it is begun by node_modules/.bin/rxraft.
While a snapshot is taken, sent, received or restored for longer than a second, standard error shows how far that is.

  --cluster NAME       the cluster's name, equal on all members
  --id ID              which of the members this one is
  --members ID=HOST:PORT,…
                       the first members, equal on all of them; once it is stored, what is stored counts
  --join HOST:PORT     where this member is reached, if it has yet to be added: it is none of them, or was removed and comes back with an empty folder
  --data FOLDER        where this member keeps its log; made where it is not there
  --machine FILE       a JavaScript file whose default export is a Machine; commands are the JSON that its codec takes. Without it a key-value store:
                         {"put": KEY, "value": JSON}   {"delete": KEY}   {"compareAndSet": KEY, "expected": JSON, "value": JSON}
                       each answers with the value before; null stands for none, so a compare-and-set was done where it answers what was expected
  --control HOST:PORT  an endpoint in HTTP and JSON for probes, curl and the other commands; port 0 lets the system choose:
                         GET /status /ready /health /metrics /membership /read?path=… /watch?from=…   POST /propose /members /transfer /snapshot
  --control-name NAME  a name by which it is asked, beside its address and localhost; once or more often
  --control-without-authentication
                       lets it listen beyond loopback, where whoever reaches it can read and write
  --listen HOST:PORT   where to listen for members and clients, if that is not the member's own address
${TRUST_HELP}
  --election-timeout-ms N, --heartbeat-ms N, --read-lease-ms N
                       as in docs/options.md
  --snapshot-compression none|gzip|zstd
  --limit NAME=NUMBER  any of the limits of docs/options.md; once or more often
  --recorder FOLDER    keeps a flight recording there, for rxraft replay
  --json               one JSON object per line in place of text
  --help               this text

Exit codes: 0 it was stopped; 1 it failed, or could not start; 2 a mistake in the arguments; 130 a second signal.

  rxraft serve --cluster orders --id n1 --members n1=127.0.0.1:7001,n2=127.0.0.1:7002,n3=127.0.0.1:7003 --data data/n1 --control 127.0.0.1:8001
`

const run = async (args: readonly string[]): Promise<number> => {
  const options = serveOptions(args)
  const signals = watchSignals()
  const screen = createScreen(process.stderr)
  const announcer = createAnnouncer(options.json, line => {
    // Where both are one terminal, a line takes the place of a bar, which is drawn below it again.
    screen.end()
    process.stdout.write(`${line}\n`)
  }, () => performance.now())
  return options.machine === undefined
    ? serve(options, keyValueMachine, announcer, signals, screen)
    : serve(options, await loadMachine(options.machine), announcer, signals, screen)
}

export const command: Command = { help: HELP, isService: true, run }
