/** Those that are alone in their folders, ask for no clock of this world and are soon done, in one process. */
import './chaos/oracle.test.js'
import './ledger.test.js'
import './paper-safety.test.js'
import './paper.test.js'
import './ports/folder-v1.test.js'
import './ports/machine.test.js'
import './scenarios/scenarios.test.js'
import './testing/linearizability.test.js'
