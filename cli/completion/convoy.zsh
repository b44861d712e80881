_convoy() {
	local -a found
	found=("${(@f)$("${words[1]}" complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
	if [[ -n $found[1] ]]; then
		found=("${(@)found/$'\t'/:}")
		_describe convoy found
	else
		_files
	fi
}
compdef _convoy convoy
