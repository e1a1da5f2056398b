// A NestJS service, compiled to CommonJS, that embeds a member: node main.cjs n1 8001 DATA n1=127.0.0.1:7001 [n2=… …]
import 'reflect-metadata'
import { Body, Controller, Get, HttpException, Inject, Injectable, Module, Param, Put } from '@nestjs/common'
import type { OnApplicationShutdown } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import * as t from 'io-ts'
import { createRaft, fileStorage, orThrow, reducerMachine, tcpTransport } from 'rxraft'
import { firstValueFrom } from 'rxjs'

const [id = 'n1', port = '8001', folder = `data/${id}`, ...addresses] = process.argv.slice(2)

type Pairs = Readonly<Record<string, string>>
const valueOf = (state: Pairs, key: string): string | null => Object.hasOwn(state, key) ? state[key]! : null // every object has a 'constructor', of its own or not

const kv = reducerMachine({
  command: t.strict({ key: t.string, value: t.string }), result: t.union([t.string, t.null]),
  state: t.readonly(t.record(t.string, t.string)), initial: {},
  reduce: (state, { key, value }) => [{ ...state, [key]: value }, valueOf(state, key)],
})

const start = async () => orThrow(await createRaft({
  cluster: 'nest', id, machine: kv,
  members: Object.fromEntries(addresses.map(pair => pair.split('=') as [string, string])),
  transport: tcpTransport(), storage: fileStorage(folder),
}))
const MEMBER = Symbol('the member of this process')
type Member = Awaited<ReturnType<typeof start>>

@Controller()
class KeyValueController {
  constructor(@Inject(MEMBER) private readonly member: Member) {}

  @Put(':key')
  async put(@Param('key') key: string, @Body('value') value: string): Promise<{ previous: string | null }> {
    const outcome = await this.member.propose({ key, value })
    if (outcome._tag === 'Right') return { previous: outcome.right }
    throw new HttpException(outcome.left.message, outcome.left.appended === 'never' ? 503 : 504)
  }

  /** What this member has applied: it may lag the leader. */
  @Get(':key')
  async get(@Param('key') key: string): Promise<{ value: string | null }> {
    const applied = await firstValueFrom(this.member.state$, { defaultValue: undefined })
    if (applied === undefined) throw new HttpException('this member has ended', 503)
    return { value: valueOf(applied.state, key) }
  }
}

/** Stops the member when Nest stops the application. */
@Injectable()
class Shutdown implements OnApplicationShutdown {
  constructor(@Inject(MEMBER) private readonly member: Member) {}
  onApplicationShutdown(): Promise<void> {
    return this.member.stop()
  }
}

@Module({ controllers: [KeyValueController], providers: [{ provide: MEMBER, useFactory: start }, Shutdown] })
class AppModule {}

void NestFactory.create(AppModule, { logger: ['error', 'warn'] }).then(async app => {
  app.enableShutdownHooks()
  await app.listen(Number(port), '127.0.0.1')
  console.log(`listening ${await app.getUrl()}`)
})
