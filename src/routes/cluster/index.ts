import type { Deps } from '../../deps.ts'
import type { App } from '../route.ts'
import { registerChangeBrokerConfigs } from './change-broker-configs.ts'
import { registerChangeClusterConfigs } from './change-cluster-configs.ts'
import { registerDescribeBroker } from './describe-broker.ts'
import { registerDescribeBrokerConfigs } from './describe-broker-configs.ts'
import { registerDescribeCluster } from './describe-cluster.ts'
import { registerDescribeClusterConfigs } from './describe-cluster-configs.ts'
import { registerDescribeLogDirs } from './describe-log-dirs.ts'
import { registerListBrokers } from './list-brokers.ts'
import { registerListLogDirs } from './list-log-dirs.ts'

export function registerCluster(app: App, deps: Deps): void {
  registerDescribeCluster(app, deps)
  registerDescribeClusterConfigs(app, deps)
  registerChangeClusterConfigs(app, deps)
  registerListBrokers(app, deps)
  registerDescribeBroker(app, deps)
  registerDescribeBrokerConfigs(app, deps)
  registerChangeBrokerConfigs(app, deps)
  registerListLogDirs(app, deps)
  registerDescribeLogDirs(app, deps)
}
