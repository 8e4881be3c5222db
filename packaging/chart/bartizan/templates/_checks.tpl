{{/* All that is wrong with the values, at once. The schema has said before what has a wrong type. */}}
{{- define "bartizan.check" -}}
{{- $wrong := list }}
{{- with .Values }}
{{- if not .image.repository }}
{{- $wrong = append $wrong "image.repository: name the image that you built and pushed; no public registry has one of this project" }}
{{- end }}

{{- $sources := without (list .config .existingConfig.configMap .existingConfig.secret) "" }}
{{- if eq (len $sources) 0 }}
{{- $wrong = append $wrong "config: there is no configuration; pass one with `--set-file config=bartizan.yaml`, or name a ConfigMap or Secret in existingConfig" }}
{{- else if gt (len $sources) 1 }}
{{- $wrong = append $wrong "config: give one of config, existingConfig.configMap and existingConfig.secret, not several" }}
{{- end }}
{{- if gt (len .config) 1000000 }}
{{- $wrong = append $wrong (printf "config: it has %d bytes, and a ConfigMap takes a million; keep the clusters in an `inventory`" (len .config)) }}
{{- end }}
{{- if .config }}
{{- $config := .config | fromYaml }}
{{- if and (eq (len $config) 1) (hasKey $config "Error") }}
{{- $wrong = append $wrong (printf "config: it is not YAML: %s" $config.Error) }}
{{- else }}
{{- $store := dict }}
{{- if kindIs "map" $config.store }}{{ $store = $config.store }}{{ end }}
{{- if ne (toString $store.path | trimSuffix "/") "/var/lib/bartizan" }}
{{- $wrong = append $wrong "config: the volume is mounted at /var/lib/bartizan, so write `store: { path: /var/lib/bartizan }`; all else in the pod is read-only" }}
{{- end }}
{{- $server := dict }}
{{- if kindIs "map" $config.server }}{{ $server = $config.server }}{{ end }}
{{- $listen := toString $server.listen }}
{{- if or (not $server.listen) (hasPrefix "127." $listen) (hasPrefix "localhost:" $listen) (hasPrefix "[::1]:" $listen) }}
{{- $wrong = append $wrong (printf "config: the kubelet checks the pod at its address, so write `server: { listen: \"0.0.0.0:%d\" }`; the server is on loopback by default" (int .port)) }}
{{- else if not (hasSuffix (printf ":%d" (int .port)) $listen) }}
{{- $wrong = append $wrong (printf "config: `server.listen` is %s, and the value port is %d; they must be one port" $listen (int .port)) }}
{{- end }}

{{- if .serviceMonitor.enabled }}
{{- $metrics := dict }}
{{- if kindIs "map" $server.metrics }}{{ $metrics = $server.metrics }}{{ end }}
{{- if not (or $metrics.allow $metrics.token) }}
{{- $wrong = append $wrong "serviceMonitor: `/metrics` answers the pod itself alone; write `server.metrics` with a `token`, with the addresses that may read it (`allow`), or with both" }}
{{- end }}
{{- if $metrics.listen }}
{{- $wrong = append $wrong "serviceMonitor: it reads metrics at `server.listen`; leave `server.metrics.listen` out" }}
{{- end }}
{{- if and $metrics.token (not .serviceMonitor.token.secret) }}
{{- $wrong = append $wrong "serviceMonitor.token: `/metrics` asks for a token; name the Secret that has it, in the namespace of the ServiceMonitor" }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- if and .knownHosts .existingKnownHosts.configMap }}
{{- $wrong = append $wrong "knownHosts: give knownHosts or existingKnownHosts.configMap, not both" }}
{{- end }}
{{- if and .knownHosts (contains "PRIVATE KEY" .knownHosts) }}
{{- $wrong = append $wrong "knownHosts: it contains a private key; host keys are public, one line each: `HOST ssh-ed25519 AAAA…`" }}
{{- end }}
{{- if and .config (contains "PRIVATE KEY" .config) }}
{{- $wrong = append $wrong "config: it contains a private key; put it into a Secret, name that in secretFiles, and refer to it by ${file:…}" }}
{{- end }}

{{- $network := regexFind "(?i)nfs|efs|filestore|azurefile|cephfs|glusterfs|smb|cifs" .persistence.storageClass }}
{{- with lookup "storage.k8s.io/v1" "StorageClass" "" .persistence.storageClass }}
{{- $network = regexFind "(?i)nfs|efs\\.csi|filestore|file\\.csi|azure-file|cephfs|glusterfs|smb|cifs" (toString .provisioner) | default $network }}
{{- end }}
{{- if $network }}
{{- $wrong = append $wrong (printf "persistence.storageClass: %s is a network file system (%s), where SQLite loses data; take a class of disks" .persistence.storageClass $network) }}
{{- end }}

{{- range $name, $_ := .secretEnv }}
{{- if hasKey $.Values.env $name }}
{{- $wrong = append $wrong (printf "env: %s is in secretEnv too" $name) }}
{{- end }}
{{- end }}

{{- if and .networkPolicy.enabled (not .networkPolicy.bastions) }}
{{- $wrong = append $wrong "networkPolicy.bastions: list the addresses of all bastions, or the policy cuts the monitoring off" }}
{{- end }}
{{- if and .networkPolicy.enabled .serviceMonitor.enabled (not .networkPolicy.ingress) }}
{{- $wrong = append $wrong "networkPolicy.ingress: serviceMonitor.enabled asks Prometheus to read the metrics, and the policy lets nobody in; name the namespace of Prometheus" }}
{{- end }}
{{- end }}
{{- if not (regexMatch "^[a-z]" (include "bartizan.fullname" .)) }}
{{- $wrong = append $wrong (printf "fullnameOverride: the objects would be called %s, and the name of a Service begins with a letter; give one that does" (include "bartizan.fullname" .)) }}
{{- end }}
{{- if $wrong }}
{{- printf "\n\nthe chart cannot be rendered with these values:\n  - %s\n" (join "\n  - " $wrong) | fail }}
{{- end }}
{{- end }}
