{{- define "sluice.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "sluice.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sluice.labels" -}}
{{ include "sluice.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "sluice.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "sluice.scheme" -}}
{{ if .Values.tlsSecret }}HTTPS{{ else }}HTTP{{ end }}
{{- end }}

{{/* The gateway refuses to listen to others with nobody having to show who they are: say so before a pod does. */}}
{{- define "sluice.check" -}}
{{- $s := .Values.settings }}
{{- $who := or $s.SLUICE_API_KEYS_FILE $s.SLUICE_JWT_ISSUERS $s.SLUICE_TLS_CLIENT_CA_FILE }}
{{- if and $who (not .Values.policy) }}{{ fail "policy: expected, since without rules nobody may do anything (docs/security.md)" }}{{ end }}
{{- if and .Values.policy (not $who) }}{{ fail "settings: expected a way to show who one is: SLUICE_API_KEYS_FILE, SLUICE_JWT_ISSUERS or SLUICE_TLS_CLIENT_CA_FILE" }}{{ end }}
{{- if and (not $who) (ne ($s.SLUICE_INSECURE | default "") "true") }}{{ fail "settings: expected SLUICE_API_KEYS_FILE (with secret and policy) or another way to show who one is, or SLUICE_INSECURE: 'true' if everybody may do everything" }}{{ end }}
{{- if and $s.SLUICE_TLS_CLIENT_CA_FILE (eq ($s.SLUICE_TLS_CLIENT_AUTH | default "") "required") }}{{ fail "settings: SLUICE_TLS_CLIENT_AUTH=required leaves the probes outside, which have no certificate" }}{{ end }}
{{- end }}
