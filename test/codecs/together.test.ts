/** The tests of what goes over the wire and onto the disk, in one process. */
import './fixtures.test.js'
import './frames.test.js'
import './messages.test.js'
import './options-documented.test.js'
import './options.test.js'
import './recording.test.js'
import './records.test.js'
import './values.test.js'
