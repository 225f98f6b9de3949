package devserver

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/common/testing/freeport"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
	"google.golang.org/protobuf/types/known/durationpb"
)

// historyShards is fixed for the life of a SQLite file. One shard adds 50 ms to each step (temporal reference §10),
// many cost CPU when idle.
const historyShards = 4

// clusterName is what the server's own tools call a single cluster.
const clusterName = "active"

// memoryDatabases numbers the in-memory databases of this process: equal names would share one.
var memoryDatabases atomic.Int64

// settings are the dynamic configuration (temporal reference §10): right for one process with few, hot task queues.
var settings = dynamicconfig.StaticClient{
	dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1, // removes a tail of 100 ms
	dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
	dynamicconfig.TransferProcessorMaxPollRPS.Key():         200, // the default of 20 per shard is for many shards
	dynamicconfig.TimerProcessorMaxPollRPS.Key():            200,
	dynamicconfig.VisibilityProcessorMaxPollRPS.Key():       200,
	// A result that arrives between two long polls is seen after this time instead of after 20 s.
	dynamicconfig.HistoryLongPollExpirationInterval.Key(): 2 * time.Second,
	// Custom search attributes are usable as soon as they were added: tests add and use them at once.
	dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,
	dynamicconfig.NamespaceCacheRefreshInterval.Key():           time.Second,
	dynamicconfig.EnableServerVersionCheck.Key():                false, // no calls home
	dynamicconfig.EnableEagerWorkflowStart.Key():                true,
	// Several parts of one developer's machine share the namespace; the limits are made for tenants of a cluster.
	dynamicconfig.FrontendRPS.Key():                                  20_000,
	dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key():           20_000,
	dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 200,
	// Updates are how a parked run is re-run (temporal reference §7).
	dynamicconfig.FrontendEnableUpdateWorkflowExecution.Key():              true,
	dynamicconfig.FrontendEnableUpdateWorkflowExecutionAsyncAccepted.Key(): true,
}

// startTemporal prepares the database and starts the server's services on the frontend's address. The server
// panics on what it calls fatal, a taken port above all; here that is an error like any other.
func startTemporal(o Options, frontend *net.TCPAddr, l *logger) (server temporal.Server, err error) {
	defer func() {
		switch reason := recover().(type) {
		case nil:
		case fatalError:
			server, err = nil, fmt.Errorf("start temporal server at %s: %w", frontend, reason)
		default:
			panic(reason)
		}
	}()
	database, err := prepareDatabase(o.DataDir)
	if err != nil {
		return nil, err
	}
	server, err = buildTemporal(serverConfig(frontend, database), l)
	if err != nil {
		return nil, fmt.Errorf("build temporal server: %w", err)
	}
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("start temporal server at %s: %w", frontend, err)
	}
	return server, nil
}

func buildTemporal(cfg *config.Config, l *logger) (temporal.Server, error) {
	return temporal.NewServer(
		temporal.WithConfig(cfg),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts(cfg)),
		temporal.WithLogger(l),
		temporal.WithDynamicConfigClient(settings),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return authorization.NewNoopClaimMapper() }),
	)
}

// serverConfig is what a configuration file would say.
func serverConfig(frontend *net.TCPAddr, database *config.SQL) *config.Config {
	cfg := &config.Config{
		Persistence: config.Persistence{
			DefaultStore: sqlite.PluginName, VisibilityStore: sqlite.PluginName, NumHistoryShards: historyShards,
			DataStores: map[string]config.DataStore{sqlite.PluginName: {SQL: database}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10, MasterClusterName: clusterName, CurrentClusterName: clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: reachable(frontend)},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		PublicClient:        config.PublicClient{HostPort: reachable(frontend)},
		Services: map[string]config.Service{
			string(primitives.FrontendService): service(frontend.IP, frontend.Port),
			string(primitives.HistoryService):  internalService(),
			string(primitives.MatchingService): internalService(),
			string(primitives.WorkerService):   internalService(),
		},
	}
	frontendService := cfg.Services[string(primitives.FrontendService)]
	frontendService.RPC.HTTPPort = freeport.MustGetFreePort() // without one the server warns at each start
	cfg.Services[string(primitives.FrontendService)] = frontendService
	cfg.Global.Membership = config.Membership{MaxJoinDuration: readyTimeout / 2, BroadcastAddress: "127.0.0.1"}
	cfg.Archival.History.State, cfg.Archival.Visibility.State = config.ArchivalDisabled, config.ArchivalDisabled
	cfg.NamespaceDefaults.Archival.History.State = config.ArchivalDisabled
	cfg.NamespaceDefaults.Archival.Visibility.State = config.ArchivalDisabled
	return cfg
}

func service(ip net.IP, port int) config.Service {
	return config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: ip.String()}}
}

// internalService listens on loopback only: nobody outside talks to history, matching or the system worker.
func internalService() config.Service {
	return service(net.IPv4(127, 0, 0, 1), freeport.MustGetFreePort())
}

// hosts tells each service where the others are, in place of the gossip of a cluster.
func hosts(cfg *config.Config) map[primitives.ServiceName]static.Hosts {
	all := make(map[primitives.ServiceName]static.Hosts, len(cfg.Services))
	for name, s := range cfg.Services {
		address := &net.TCPAddr{IP: net.ParseIP(s.RPC.BindOnIP), Port: s.RPC.GRPCPort}
		all[primitives.ServiceName(name)] = static.SingleLocalHost(reachable(address))
	}
	return all
}

// prepareDatabase makes the schema of a new database and the namespace, before any server runs: the server
// then finds the namespace in its first look instead of after a refresh of its cache.
func prepareDatabase(dataDir string) (*config.SQL, error) {
	path, err := databasePath(dataDir)
	if err != nil {
		return nil, err
	}
	database := sqlConfig(path)
	if _, err := os.Stat(path); path != "" && os.IsNotExist(err) {
		if err := sqliteschema.SetupSchema(database); err != nil {
			return nil, fmt.Errorf("create temporal schema in %s: %w", path, err)
		}
	}
	namespace, err := sqliteschema.NewNamespaceConfig(clusterName, Namespace, false, nil)
	if err != nil {
		return nil, fmt.Errorf("namespace %s: %w", Namespace, err)
	}
	namespace.Detail.Config.Retention = durationpb.New(Retention)
	if err := sqliteschema.CreateNamespaces(database, namespace); err != nil {
		return nil, fmt.Errorf("create namespace %s: %w", Namespace, err)
	}
	return database, nil
}

// sqlConfig keeps one connection (SQLite has one writer). The write-ahead log makes a commit one append, and a
// killed process loses nothing.
func sqlConfig(path string) *config.SQL {
	if path == "" {
		return &config.SQL{
			PluginName: sqlite.PluginName, DatabaseName: "puente-" + strconv.FormatInt(memoryDatabases.Add(1), 10),
			ConnectAttributes: map[string]string{"mode": "memory", "cache": "shared"},
		}
	}
	return &config.SQL{
		PluginName: sqlite.PluginName, DatabaseName: path,
		ConnectAttributes: map[string]string{
			"mode": "rwc", "journal_mode": "wal", "synchronous": "normal", "busy_timeout": "10000",
		},
	}
}
