package main

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// withAccess lets a request through by Plex's rules. /identity is for everyone; an unclaimed server trusts its own machine, addressed by
// number or as localhost; everyone else needs a token or an address in allowedNetworks.
func (s *server) withAccess(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/identity" || strings.HasPrefix(r.URL.Path, "/web") || s.mayEnter(r) {
			next.ServeHTTP(w, r)
			return
		}
		answerHtml(w, http.StatusUnauthorized)
	})
}

func (s *server) mayEnter(r *http.Request) bool {
	peer, known := peerAddress(r)
	if strings.HasPrefix(r.URL.Path, "/standin/") {
		return known && peer.IsLoopback()
	}
	token := r.Header.Get("X-Plex-Token")
	if token == "" {
		token = r.URL.Query().Get("X-Plex-Token")
	}
	if token != "" && (sameText(token, s.preferences.get("PlexOnlineToken")) || sameText(token, s.adminToken)) {
		return true
	}
	if !known {
		return false
	}
	if !s.preferences.isClaimed() && peer.IsLoopback() && isLocalHost(r.Host) {
		return true
	}
	return isAllowed(peer, s.preferences.get("allowedNetworks"))
}

func sameText(given string, expected string) bool {
	return expected != "" && subtle.ConstantTimeCompare([]byte(given), []byte(expected)) == 1
}

func peerAddress(r *http.Request) (netip.Addr, bool) {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	return address.Addr().Unmap(), err == nil
}

func isLocalHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	_, err = netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil || name == "localhost"
}

// isAllowed looks the address up in a comma-separated list of addresses, prefixes (10.0.0.0/8) and masks (10.0.0.0/255.0.0.0).
func isAllowed(peer netip.Addr, networks string) bool {
	for _, entry := range strings.Split(networks, ",") {
		entry = strings.TrimSpace(entry)
		if address, err := netip.ParseAddr(entry); err == nil && address == peer {
			return true
		}
		if prefix, err := netip.ParsePrefix(entry); err == nil && prefix.Contains(peer) {
			return true
		}
		base, mask, hasMask := strings.Cut(entry, "/")
		if maskBytes := net.ParseIP(mask).To4(); hasMask && maskBytes != nil {
			network := net.IPNet{IP: net.ParseIP(base), Mask: net.IPMask(maskBytes)}
			if network.IP != nil && network.Contains(peer.AsSlice()) {
				return true
			}
		}
	}
	return false
}
