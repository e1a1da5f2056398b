import { MEASURES } from './measures/index.js'

export const HELP = `npm run bench -- [options]              a report of all measures below --only
npm run bench -- NAME … [options]       one thing, closely; reads, recorder, simulation, joining and endless are measured only so

A report takes some minutes. It is printed, and saved with its samples and charts: report.md, report.json, *.svg.

  --out FOLDER         where it goes: benchmarks/report unless told otherwise
  --only MEASURE,…     of ${MEASURES.map(({ name }) => name).join(', ')}
  --rounds 3           how often everything is measured, in turn
  --seconds 1          how long each stage of a round is measured
  --peers              other systems in turn with ours, where their programs are on the PATH; benchmarks/README.md says how each is built
  --compare BASELINE   a report.json of an earlier run, or the folder of another checkout that is built and is then measured in turn;
                       ends with 1 if anything is slower beyond noise
  --save FILE          another copy of report.json, as a baseline for later

Closely:

  durable      three processes, TCP, fsync: --in-flight 1,16,256  --rounds 3  --seconds 3  --peer 'COMMAND'
  in-process   three members in one process, memory storage and transport: --rounds 3  --seconds 3  --peer 'COMMAND'
  reads        three members in one process: linearizable reads beside writes, 256 in flight: --rounds 3  --seconds 3
  failover     SIGKILL of the leader to the next accepted write: --times 9
  recorder     the first two with and without a flight recorder, in turn: --in-flight 1,256  --rounds 3  --seconds 3
  simulation   a simulated cluster of five under load against real time: --rounds 3  --seconds 3
  snapshot     a snapshot from the leader to a member that comes back, under load: --mebibytes 1024  --rounds 3  --seconds 3
  joining      a fourth member catches up and votes, under load: --mebibytes 256  --entries 50000  --in-flight 64  --rounds 3  --seconds 3
  restart      a member that starts from a snapshot and a log: --mebibytes 1024  --entries 100000  --rounds 4
  endless      memory, open files and disk of durable members under load without end: --minutes 10

and any other measure of the report by its name: --rounds 3  --seconds 3. --peer names a program that measures another system and prints
lines of JSON with per_s, p50_ms and p99_ms; {clients} and {secs} in it are filled in. Both sides run in turn; the table shows medians and
ratios. Results are lines of JSON on standard output; progress and tables go to standard error.

  --dir FOLDER         where data is while it is measured: the disk that counts. The system's folder for temporary files unless told otherwise
`
