/** The tests of what is made of measurements, in one process. */
import './charts.test.js'
import './compare.test.js'
import './joining.test.js'
import './layers.test.js'
import './noise.test.js'
import './pipelines.test.js'
import './rounds.test.js'
