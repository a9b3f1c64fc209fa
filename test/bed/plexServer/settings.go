package main

// settingKind is the type a setting has in the answer of GET /:/prefs.
type settingKind string

const (
	boolSetting settingKind = "bool"
	intSetting  settingKind = "int"
	textSetting settingKind = "text"
)

type setting struct {
	id       string
	label    string
	kind     settingKind
	fallback string
	group    string
	hidden   bool
}

// knownSettings are the settings GET /:/prefs lists, with the values that hold when Preferences.xml does not name them.
var knownSettings = []setting{
	{"FriendlyName", "Friendly name", textSetting, "", "general", false},
	{"sendCrashReports", "Send crash reports to Plex", boolSetting, "1", "general", false},
	{"logDebug", "Enable Plex Media Server debug logging", boolSetting, "1", "general", false},
	{"autoEmptyTrash", "Empty trash automatically after every scan", boolSetting, "1", "library", false},
	{"FSEventLibraryUpdatesEnabled", "Scan my library automatically", boolSetting, "0", "library", false},
	{"FSEventLibraryPartialScanEnabled", "Run a partial scan when changes are detected", boolSetting, "0", "library", false},
	{"watchMusicSections", "Include music libraries in automatic updates", boolSetting, "0", "library", false},
	{"ScheduledLibraryUpdatesEnabled", "Scan my library periodically", boolSetting, "0", "library", false},
	{"ScheduledLibraryUpdateInterval", "Library scan interval", intSetting, "3600", "library", false},
	{"allowMediaDeletion", "Allow media deletion", boolSetting, "1", "library", false},
	{"OnDeckWindow", "Weeks to consider for Continue Watching", intSetting, "16", "library", false},
	{"ButlerStartHour", "Time at which tasks start to run", intSetting, "2", "butler", false},
	{"ButlerEndHour", "Time at which tasks stop running", intSetting, "5", "butler", false},
	{"ButlerTaskBackupDatabase", "Backup database every three days", boolSetting, "1", "butler", false},
	{"ButlerDatabaseBackupPath", "Backup directory", textSetting, "", "butler", false},
	{"ButlerTaskOptimizeDatabase", "Optimize database every week", boolSetting, "1", "butler", false},
	{"ButlerTaskCleanOldBundles", "Remove old bundles every week", boolSetting, "1", "butler", false},
	{"ButlerTaskCleanOldCacheFiles", "Remove old cache files every week", boolSetting, "1", "butler", false},
	{"ButlerTaskRefreshLocalMedia", "Refresh local metadata every three days", boolSetting, "1", "butler", false},
	{"ButlerTaskRefreshLibraries", "Update all libraries during maintenance", boolSetting, "0", "butler", false},
	{"ButlerTaskRefreshPeriodicMetadata", "Refresh library metadata periodically", boolSetting, "1", "butler", false},
	{"ButlerTaskDeepMediaAnalysis", "Perform extensive media analysis during maintenance", boolSetting, "1", "butler", false},
	{"BackgroundQueueIdlePaused", "Pause the background queue", boolSetting, "0", "transcoder", true},
	{"TranscoderTempDirectory", "Transcoder temporary directory", textSetting, "", "transcoder", false},
	{"DownloadsTempDirectory", "Downloads temporary directory", textSetting, "", "transcoder", false},
	{"HardwareAcceleratedCodecs", "Use hardware acceleration when available", boolSetting, "1", "transcoder", false},
	{"HardwareDevicePath", "Hardware transcoding device", textSetting, "", "transcoder", false},
	{"VaapiDriver", "VA-API driver", textSetting, "", "transcoder", true},
	{"TranscodeCountLimit", "Maximum simultaneous video transcodes", intSetting, "0", "transcoder", false},
	{"secureConnections", "Secure connections", intSetting, "1", "network", false},
	{"PreferredNetworkInterface", "Preferred network interface", textSetting, "", "network", false},
	{"customConnections", "Custom server access URLs", textSetting, "", "network", false},
	{"allowedNetworks", "Networks allowed without authentication", textSetting, "", "network", false},
	{"LanNetworksBandwidth", "LAN networks", textSetting, "", "network", false},
	{"customCertificatePath", "Custom certificate location", textSetting, "", "network", false},
	{"customCertificateKey", "Custom certificate encryption key", textSetting, "", "network", false},
	{"customCertificateDomain", "Custom certificate domain", textSetting, "", "network", false},
	{"ManualPortMappingMode", "Manually specify public port", boolSetting, "0", "network", true},
	{"ManualPortMappingPort", "Public port", intSetting, "32400", "network", true},
	{"LastAutomaticMappedPort", "Last automatically mapped port", intSetting, "0", "network", true},
	{"RelayEnabled", "Enable Relay", boolSetting, "1", "network", false},
	{"GdmEnabled", "Enable local network discovery", boolSetting, "1", "network", false},
	{"DlnaEnabled", "Enable the DLNA server", boolSetting, "0", "dlna", false},
	{"CinemaTrailersPrerollID", "Movie pre-roll video", textSetting, "", "extras", false},
	{"GlobalMusicVideoPath", "Global music videos", textSetting, "", "library", true},
	{"AcceptedEULA", "Has the user accepted the terms", boolSetting, "0", "", true},
	{"PublishServerOnPlexOnlineKey", "Publish server", boolSetting, "0", "", true},
	{"PlexOnlineToken", "PlexOnlineToken", textSetting, "", "", true},
	{"PlexOnlineUsername", "PlexOnlineUsername", textSetting, "", "", true},
	{"PlexOnlineMail", "PlexOnlineMail", textSetting, "", "", true},
	{"MachineIdentifier", "A unique identifier for the machine", textSetting, "", "", true},
	{"ProcessedMachineIdentifier", "ProcessedMachineIdentifier", textSetting, "", "", true},
	{"AnonymousMachineIdentifier", "AnonymousMachineIdentifier", textSetting, "", "", true},
	{"CertificateUUID", "CertificateUUID", textSetting, "", "", true},
}

func settingDefault(id string) string {
	if known := findSetting(id); known != nil {
		return known.fallback
	}
	return ""
}

func findSetting(id string) *setting {
	for index := range knownSettings {
		if knownSettings[index].id == id {
			return &knownSettings[index]
		}
	}
	return nil
}
