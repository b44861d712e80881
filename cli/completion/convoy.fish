function __convoy_complete
	set -l words (commandline -opc) (commandline -ct)
	$words[1] complete $words[2..] 2>/dev/null
end
complete -c convoy -n 'count (__convoy_complete) >/dev/null' -f
complete -c convoy -a '(__convoy_complete)'
