from hd_plugin.cli import main

main(prog_name="hd-plugin")
