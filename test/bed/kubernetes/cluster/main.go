// Command cluster is every part of a one-node Kubernetes in one file: the first argument names the part to be.
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// parts maps the first argument to the upstream component's own command.
var parts = map[string]func() *cobra.Command{
	"etcd":                    newEtcdCommand,
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllermanager.NewControllerManagerCommand,
	"kube-proxy":              proxy.NewProxyCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
}

func main() {
	if len(os.Args) < 2 || parts[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: cluster etcd|kube-apiserver|kube-controller-manager|kube-proxy|kube-scheduler|kubelet [FLAG...]")
		os.Exit(2)
	}
	command := parts[os.Args[1]]()
	// The kubelet parses its own flags from the arguments it is given; cobra would otherwise see the part's name as one.
	os.Args = append([]string{os.Args[1]}, os.Args[2:]...)
	os.Exit(cli.Run(command))
}

// newEtcdCommand runs one etcd member on loopback, without fsync: a bed's data need not outlive the machine.
func newEtcdCommand() *cobra.Command {
	var directory, clientURL, peerURL string
	command := &cobra.Command{
		Use:          "etcd",
		SilenceUsage: true,
		RunE: func(*cobra.Command, []string) error {
			config := embed.NewConfig()
			config.Dir = directory
			config.LogLevel = "warn"
			config.UnsafeNoFsync = true
			client, err := url.Parse(clientURL)
			if err != nil {
				return fmt.Errorf("Cannot parse the client address %q: %w", clientURL, err)
			}
			peer, err := url.Parse(peerURL)
			if err != nil {
				return fmt.Errorf("Cannot parse the peer address %q: %w", peerURL, err)
			}
			config.ListenClientUrls = []url.URL{*client}
			config.AdvertiseClientUrls = []url.URL{*client}
			config.ListenPeerUrls = []url.URL{*peer}
			config.AdvertisePeerUrls = []url.URL{*peer}
			config.InitialCluster = config.InitialClusterFromName(config.Name)
			server, err := embed.StartEtcd(config)
			if err != nil {
				return fmt.Errorf("Cannot start etcd in %q: %w", directory, err)
			}
			defer server.Close()
			select {
			case <-server.Server.ReadyNotify():
			case <-time.After(time.Minute):
				return fmt.Errorf("Cannot start etcd in %q: not ready after a minute", directory)
			}
			stop := make(chan os.Signal, 1)
			signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
			select {
			case <-stop:
				return nil
			case err := <-server.Err():
				return err
			}
		},
	}
	command.Flags().StringVar(&directory, "data-dir", "", "where the member keeps its data")
	command.Flags().StringVar(&clientURL, "listen-client-url", "http://127.0.0.1:2379", "address for the API server")
	command.Flags().StringVar(&peerURL, "listen-peer-url", "http://127.0.0.1:2380", "address for other members; there are none")
	return command
}
