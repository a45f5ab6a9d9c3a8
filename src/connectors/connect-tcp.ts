import { lookup } from 'node:dns/promises'
import { connect, type Socket } from 'node:net'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { type Address, formatAddress, optionalText, type TestRun } from './test-run.ts'

/** Stages resolve and reach: a TCP connection, to the first of the host's addresses that takes one. */
export async function connectTcp(job: TestRun, address: Address): Promise<Socket> {
  job.enter('resolve')
  job.awaiting(`the name service has not found ${address.host}`)
  const addresses = await lookup(address.host, { all: true }).catch(error => {
    throw new ConnectionFailure(
      'dns_failed',
      `There is no host ${address.host}${codeSuffix(errorCode(error))}: check its name.`,
    )
  })
  job.enter('reach')
  job.awaiting(`${formatAddress(address)} does not answer: a firewall may drop the packets, or the host is down`)
  let last: unknown
  for (const { address: host } of addresses) {
    try {
      return await dial(job, { host, port: address.port })
    } catch (error) {
      last = error
    }
  }
  throw last instanceof ConnectionFailure ? last : unreachable(address, errorCode(last))
}

function dial(job: TestRun, { host, port }: Address): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    job.closing(() => socket.destroy())
    const seconds = Number(optionalText(job.credentials, 'connect_timeout_seconds') ?? 0)
    if (seconds) {
      const late = `${formatAddress({ host, port })} did not answer within connect_timeout_seconds, ${seconds} s.`
      socket.setTimeout(seconds * 1000, () => reject(new ConnectionFailure('timeout', late)))
    }
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.setTimeout(0)
      socket.setNoDelay(true)
      socket.off('error', reject)
      socket.on('error', () => {}) // whoever reads from it hears of its end
      resolve(socket)
    })
  })
}

function unreachable(address: Address, code: string): ConnectionFailure {
  if (code === 'ETIMEDOUT') return new ConnectionFailure('timeout', `${formatAddress(address)} does not answer.`)
  const why =
    code === 'ECONNREFUSED'
      ? 'refuses the connection: nothing listens on that port, or a firewall forbids it'
      : `cannot be reached${codeSuffix(code)}`
  return new ConnectionFailure('unreachable', `${formatAddress(address)} ${why}.`)
}
